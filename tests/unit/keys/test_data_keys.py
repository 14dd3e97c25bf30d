"""Data keys: bound to their service, checked against their fingerprint, unreadable in wrapped form."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stronghouse.kernel.canonical import Json, canonical_json, parse_json
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Invalid
from stronghouse.keys.data_keys import WrappedDataKey, create_data_key, open_data_key
from stronghouse.keys.errors import KeyRefused
from stronghouse.keys.fingerprint import key_fingerprint
from stronghouse.keys.local import LocalKms

CLOCK = FixedClock(datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.fixture
def kms(tmp_path: Path) -> LocalKms:
    return LocalKms(tmp_path / "machine.key")


def test_key_survives_its_way_through_json(kms: LocalKms) -> None:
    wrapped = create_data_key(kms, service_id="a", clock=CLOCK)
    again = WrappedDataKey.from_json(parse_json(canonical_json(wrapped.to_json())))
    assert again == wrapped
    key = open_data_key(kms, again, service_id="a")
    assert len(key) == 32
    assert key_fingerprint(key) == wrapped.fingerprint
    assert key not in canonical_json(wrapped.to_json())


def test_each_service_has_a_key_of_its_own(kms: LocalKms) -> None:
    first, second = (create_data_key(kms, service_id="a") for _ in range(2))
    assert open_data_key(kms, first, service_id="a") != open_data_key(kms, second, service_id="a")


def test_another_services_key_does_not_open(kms: LocalKms) -> None:
    wrapped = create_data_key(kms, service_id="a")
    with pytest.raises(KeyRefused):
        open_data_key(kms, wrapped, service_id="b")


def test_key_with_a_foreign_fingerprint_does_not_open(kms: LocalKms) -> None:
    wrapped = create_data_key(kms, service_id="a")
    for fingerprint in ("00" * 16, "", "\u00fc"):
        with pytest.raises(KeyRefused) as caught:
            open_data_key(kms, dataclasses.replace(wrapped, fingerprint=fingerprint), service_id="a")
        assert caught.value.code == KeyRefused.UNAUTHENTIC


def test_key_of_another_length_does_not_open(kms: LocalKms) -> None:
    short = b"k" * 16
    blob = kms.wrap(short, context={"purpose": "disk encryption", "service_id": "a", "version": "1"})
    wrapped = WrappedDataKey(1, "local", kms.key_id, blob, key_fingerprint(short), CLOCK.now())
    with pytest.raises(KeyRefused):
        open_data_key(kms, wrapped, service_id="a")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"blob": "not base64!"},
        {"blob": 7},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-23T12:00:00"},
        {"more": "x"},
        {"fingerprint": None},
    ],
)
def test_damaged_json_is_refused(kms: LocalKms, change: dict[str, Json]) -> None:
    value = create_data_key(kms, service_id="a").to_json() | change
    with pytest.raises(Invalid):
        WrappedDataKey.from_json(value)
    others: tuple[Json, ...] = (None, [], "text", {})
    for other in others:
        with pytest.raises(Invalid):
            WrappedDataKey.from_json(other)
