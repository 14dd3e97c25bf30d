"""What a new password must be: length, classes, unknown to attackers, and not made of what others know of a person."""

import gzip
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.access.breached_passwords import LIST, breached_passwords, is_predictable
from stronghouse.access.passwords import broken_rules, check_new_password, hash_password, password_matches
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret

ROOT = Path(__file__).parents[3]
OWN = ("ada@analytical-engines.example", "Ada Lovelace", "Zyntrovia Corp")
WORDS = ("walrus", "onyx", "fable", "crumpet", "gravel", "tunic", "bishop", "lantern", "pebble", "thicket")


def refusal(password: str, *own_words: str) -> str | None:
    """The code with which a password is refused."""
    try:
        check_new_password(Secret(password), own_words=own_words)
    except Invalid as error:
        return error.code
    return None


@pytest.mark.parametrize("password", ["", "xK9#mQ2$vL7", "xK9#mQ2$vL7" * 24])
def test_a_password_has_a_length(password: str) -> None:
    assert refusal(password) == "password_length"
    assert refusal("xK9#mQ2$vL7!") is None
    assert refusal(("xK9#mQ2$vL7!pR4&" * 16)[:256]) is None


@pytest.mark.parametrize(
    "password", ["jvkqhzmtwxbr", "jvkqhzmtWXBR", "803451729664", "jvkq7803hzmt", "日本語日本語日本語日本語"]
)
def test_a_password_has_three_of_four_classes(password: str) -> None:
    assert refusal(password) == "password_classes"


@pytest.mark.parametrize("password", ["jvkqhzmTW8br", "jvkqhzmTW-br", "jvkqhzm4-9br", "JVKQHZM4-9BR", "ÄVKQhzmtw ßr"])
def test_any_three_of_the_four_classes_will_do(password: str) -> None:
    assert refusal(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "Password123!",
        "Qwertyuiop12!",
        "P@ssw0rd2026!!",
        "Iloveyou123456!",
        "1qaz2wsx3edC",  # on the list as it is
        "Password83920174",
        "xPassword2026!!",
        "Monkeydragon12!",
        "Password1Password2!",
        "L3tm31n-L3tm31n!",
        "L1verp00l-2026!",
        "F1am1ng0-2026!!",  # 1 for l and for i
        "Summer2026!!!",
        "Qweasdzxc123!",
        "QwertyAsdfgh123!",
        "Poiuytrewq!123",
        "!@#$%^Qwerty1",
        "Abcdefgh12345678!",
        "Aaaaaaaaaaaa1!",
        "Kx7#Kx7#Kx7#",
        "xK9#mQ2$vL7" * 2,  # repeated, but too short by itself
        "qvMonkeyDragon1985!",  # a year
        "Lkjhgfd-Rewq-Uiop-Xcvb",
        "\uff30assword-1234",  # a wide letter
        "Iloveyou!" * 20,
    ],
)
def test_what_attackers_try_first_is_refused(password: str) -> None:
    assert refusal(password) == "password_breached"


@pytest.mark.parametrize(
    "password", ["Ada.Lovelace2026", "Adalovelace-99", "Lovel@ce_Ada_1", "AnalyticalEngines1", "Zyntrovia-Corp-2026"]
)
def test_what_is_made_of_own_words_is_refused_for_that_person_only(password: str) -> None:
    assert refusal(password, *OWN) == "password_personal"
    assert refusal(password) in {None, "password_breached"}


def test_the_list_is_the_one_that_is_documented_and_its_licences_lie_beside_it() -> None:
    entries = gzip.decompress(LIST.read_bytes()).decode("ascii").splitlines()
    assert (len(entries), entries) == (55_507, sorted({entry.casefold() for entry in entries}))
    assert "55,507" in (ROOT / "docs" / "limits.md").read_text()
    licences = LIST.with_name("breached_passwords_licences.txt").read_text()
    assert all(source in licences for source in ("@zxcvbn-ts/language-common", "Django"))


def test_the_name_of_the_product_is_nobodys_password() -> None:
    assert refusal("Str0nghouse-Monkey-Dragon") == "password_personal"


@pytest.mark.parametrize(
    "password",
    ["xK9#mQ2$vL7!pR4&", "Walrus-onyx-fable-crumpet", "Ada-gravel-tunic-bishop-lantern", "pebble thicket Onyx walrus"],
)
def test_what_is_chosen_at_random_is_accepted(password: str) -> None:
    assert refusal(password, *OWN) is None


@given(st.permutations(WORDS), st.sampled_from("- ._"))
def test_four_words_at_random_are_accepted(words: list[str], between: str) -> None:
    assert refusal(between.join(words[:4]).capitalize(), *OWN) is None


ENTRIES = sorted(word for word in breached_passwords() if word.isalpha() and 8 <= len(word) <= 12)
DECORATION = st.text(alphabet=string.digits + "!?.-#", min_size=4, max_size=8)


@given(st.sampled_from(ENTRIES), DECORATION, st.booleans())
def test_an_entry_with_digits_and_signs_around_it_is_predictable(entry: str, more: str, before: bool) -> None:
    assert is_predictable(f"{more}{entry.title()}" if before else f"{entry.title()}{more}")


@given(st.text(max_size=80))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert is_predictable(text) in {True, False}


def test_looking_at_the_worst_text_takes_no_time() -> None:
    for text in ("abcabc" * 42, "iloveyou" * 32, "marinamarianaanamariamarina" * 9, "passwordiloveyou123456qwerty" * 9):
        is_predictable(f"x{text}")  # the time limit of a test judges


def test_a_password_that_may_not_be_chosen_has_no_hash() -> None:
    with pytest.raises(Invalid) as refused:
        hash_password(Secret("Ada.Lovelace2026"), own_words=OWN)
    assert "lovelace" not in refused.value.public.lower()
    stored = hash_password(Secret("Walrus-onyx-fable-crumpet"), own_words=OWN)
    assert password_matches(stored, Secret("Walrus-onyx-fable-crumpet"))
    assert not password_matches(stored, Secret("walrus-onyx-fable-crumpet"))


def test_all_rules_that_a_password_breaks_are_told_at_once() -> None:
    def codes(password: str) -> list[str]:
        return [broken.code for broken in broken_rules(Secret(password), own_words=OWN)]

    assert codes("password") == ["password_length", "password_classes", "password_breached"]
    assert codes("zyntrovia") == ["password_length", "password_classes", "password_personal"]
    assert codes("password" * 100) == ["password_length", "password_classes"]
    assert codes("xK9#mQ2$vL7!") == []
