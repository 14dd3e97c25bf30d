"""Profiles: the five that ship agree with themselves and the catalogue; what contradicts itself is refused."""

import pytest

from stronghouse.kernel.errors import Internal
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.guidance.loading import load_profiles, read_profiles
from stronghouse.responsibility.guidance.settings import SETTINGS

HEAD = 'title = "T"\nfor = "Someone."\nthreat = "Something."\n'


def setting(name: str, value: str, more: str = "") -> str:
    return f'[setting."{name}"]\nvalue = {value}\nwhy = "Because."\ncosts = "Little."\n{more}\n'


def test_the_five_profiles_load_baseline_first_and_all_build_on_it(catalogue: Catalogue) -> None:
    profiles = load_profiles(catalogue)
    assert list(profiles) == ["baseline", "air-gapped", "card-data", "development", "personal-data"]
    baseline = profiles["baseline"]
    for profile in profiles.values():
        assert set(baseline.settings) <= set(profile.settings)
        assert set(baseline.controls) <= set(profile.controls)
        assert profile.inherits == (None if profile is baseline else "baseline")
        sentences = [profile.audience, profile.threat, *profile.controls.values()]
        sentences += [text for one in profile.settings.values() for text in (one.why, one.costs)]
        assert all(len(text) > 20 and text.endswith(".") for text in sentences)


def test_every_setting_is_asked_for_by_some_profile(catalogue: Catalogue) -> None:
    assert {name for profile in load_profiles(catalogue).values() for name in profile.settings} == set(SETTINGS)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("title =", "no TOML"),
        ('title = "T"\n', "lacks for"),
        (HEAD + 'colour = "red"\n', "unknown field colour"),
        (HEAD + setting("key.colour", "1"), "unknown setting"),
        (HEAD + setting("key.expiry.days", "0"), "whole number"),
        (HEAD + setting("key.expiry.days", "true"), "whole number"),
        (HEAD + setting("member.password", "false"), "leave the setting out"),
        (HEAD + setting("key.access.widest", "{ ipv4 = 24 }"), "table of ipv4 and ipv6"),
        (HEAD + setting("key.access.widest", "{ ipv4 = 33, ipv6 = 64 }"), "from 1 to 32"),
        (HEAD + '[setting."key.expiry.days"]\nvalue = 3\nwhy = "Because."\n', "lacks costs"),
        (HEAD + '[control."console.nothing"]\nwhy = "Because."\n', "unknown control"),
        (HEAD + '[control."guidance.settings.advice"]\nwhy = "Because."\n', "would judge itself"),
        (HEAD + '[control."team.settings.baseline"]\nwhy = "Because."\n', "would judge itself"),
        (HEAD + 'inherits = "nobody"\n', "unknown or inherits it"),
        (HEAD + 'inherits = "own"\n', "unknown or inherits it"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(catalogue: Catalogue, text: str, word: str) -> None:
    with pytest.raises(Internal, match=word):
        read_profiles({"own": text}, catalogue)


def test_a_child_may_be_weaker_only_where_it_says_so(catalogue: Catalogue) -> None:
    parent = HEAD + setting("key.expiry.days", "90")
    weaker, stricter = setting("key.expiry.days", "365"), setting("key.expiry.days", "30")
    child = HEAD + 'inherits = "parent"\n'
    for wrong in (weaker, stricter.replace("\n\n", "\nweaker = true\n")):
        with pytest.raises(Internal, match="weaker"):
            read_profiles({"parent": parent, "child": child + wrong}, catalogue)
    for right in (stricter, weaker.replace("\n\n", "\nweaker = true\n")):
        read = read_profiles({"parent": parent, "child": child + right}, catalogue)
        assert read["child"].settings["key.expiry.days"].rule.value in {30, 365}
