"""The contract of the port, run against every provider."""

from pathlib import Path

import pytest

from stronghouse.keys.errors import KeyRefused
from tests.unit.keys.kms_contract import PROVIDERS, Provider

CONTEXT = {"service_id": "a", "purpose": "disk encryption"}
KEY = bytes(range(32))


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


def test_what_was_wrapped_unwraps_whole_after_a_restart(provider: Provider, tmp_path: Path) -> None:
    blob = provider(tmp_path, "one").wrap(KEY, context=CONTEXT)
    assert provider(tmp_path, "one").unwrap(blob, context=CONTEXT) == KEY


def test_key_id_is_stable_and_told_apart_from_another_keys(provider: Provider, tmp_path: Path) -> None:
    first = provider(tmp_path, "one")
    assert first.key_id == provider(tmp_path, "one").key_id == first.describe().key_id
    assert first.key_id != provider(tmp_path, "two").key_id


def test_two_wraps_of_one_key_differ(provider: Provider, tmp_path: Path) -> None:
    kms = provider(tmp_path, "one")
    assert kms.wrap(KEY, context=CONTEXT) != kms.wrap(KEY, context=CONTEXT)


def test_another_key_is_refused_by_name(provider: Provider, tmp_path: Path) -> None:
    blob = provider(tmp_path, "one").wrap(KEY, context=CONTEXT)
    with pytest.raises(KeyRefused) as caught:
        provider(tmp_path, "two").unwrap(blob, context=CONTEXT)
    assert caught.value.code == KeyRefused.WRONG_KEY


@pytest.mark.parametrize(
    "context",
    [
        {"service_id": "b", "purpose": "disk encryption"},
        {"service_id": "a"},
        {},
        {"service_id": "a", "purpose": "disk encryption", "more": ""},
        {"service_id": 'a","purpose":"disk encryption'},
    ],
)
def test_another_context_is_refused(provider: Provider, tmp_path: Path, context: dict[str, str]) -> None:
    kms = provider(tmp_path, "one")
    with pytest.raises(KeyRefused) as caught:
        kms.unwrap(kms.wrap(KEY, context=CONTEXT), context=context)
    assert caught.value.code == KeyRefused.UNAUTHENTIC


def test_no_changed_byte_and_no_cut_goes_unnoticed(provider: Provider, tmp_path: Path) -> None:
    kms = provider(tmp_path, "one")
    blob = kms.wrap(KEY, context=CONTEXT)
    broken = [blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :] for at in range(len(blob))]
    broken += [blob[:length] for length in range(len(blob))]
    broken += [blob + b"\x00"]
    for altered in broken:
        with pytest.raises(KeyRefused):
            kms.unwrap(altered, context=CONTEXT)


def test_no_error_shows_key_or_blob(provider: Provider, tmp_path: Path) -> None:
    kms = provider(tmp_path, "one")
    blob = kms.wrap(KEY, context=CONTEXT)
    with pytest.raises(KeyRefused) as caught:
        kms.unwrap(blob, context={})
    told = f"{caught.value!r}{caught.value.detail}{caught.value.__cause__!r}"
    assert blob[-16:].hex() not in told
    assert KEY.hex() not in told
