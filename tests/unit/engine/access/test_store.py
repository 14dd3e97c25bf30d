"""The catalogue comes back from disk as it was saved, or not at all."""

import base64
import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest

from stronghouse.engine.access.catalogue import (
    OWNER,
    Catalogue,
    Grant,
    Method,
    Profile,
    Quota,
    QuotaInterval,
    Role,
    RoleGrant,
    RowPolicy,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.json_form import from_json, to_json
from stronghouse.engine.access.store import OWNER_ID, CatalogueStore, initial
from stronghouse.engine.subkeys import subkey
from stronghouse.kernel.errors import Invalid, Unavailable

KEY = subkey(bytes(range(32)), "access catalogue")
PASSWORD = base64.b64encode(hashlib.sha256(b"correct horse").digest()).decode()
FULL = Catalogue(
    generation=9,
    users={
        **initial(PASSWORD).users,
        "b" * 16: User(
            "b" * 16,
            "Bób\n`'",
            methods=(
                Method("sha256_password", "ab" * 32, "cd" * 16, 1_900_000_000),
                Method("bcrypt_password", "$2a$12$x"),
            ),
            hosts=("10.0.0.0/8", "LOCAL"),
            default_roles=Targets(frozenset({"a" * 16}), everybody=False),
            grantees=Targets(everybody=True, excluded=frozenset({"b" * 16})),
            default_database="db",
            settings=(SettingElement("max_threads", "4", "1", "8", "CONST"), SettingElement(profile="c" * 16)),
            roles=(RoleGrant("a" * 16, admin_option=True),),
            grants=(Grant("SELECT", "db", "t", "c"), Grant("SELECT", "db", "u", revoked=True)),
            locked=True,
        ),
    },
    roles={"a" * 16: Role("a" * 16, "reader")},
    policies={"d" * 16: RowPolicy("d" * 16, "p", "db", "t", "a = 1", restrictive=True)},
    profiles={"c" * 16: Profile("c" * 16, "small")},
    quotas={
        "e" * 16: Quota("e" * 16, "q", "ip_address", (QuotaInterval(60, randomized=True, limits=(("queries", 5.5),)),))
    },
)


def store(directory: Path, *, key: bytes = KEY, service: str = "service-1") -> CatalogueStore:
    return CatalogueStore(directory, key, service)


def damaged(directory: Path, **other: str) -> bool:
    with pytest.raises(Unavailable) as raised:
        store(directory, **other).load()  # type: ignore[arg-type]
    return raised.value.code == "catalogue_damaged"


def test_a_saved_catalogue_is_read_back_equal(tmp_path: Path) -> None:
    assert store(tmp_path).load() is None
    store(tmp_path).save(FULL)
    assert store(tmp_path).load() == FULL
    later = dataclasses.replace(FULL, generation=10)
    store(tmp_path).save(later)
    assert store(tmp_path).load() == later


def test_the_file_is_private_and_tells_nothing(tmp_path: Path) -> None:
    store(tmp_path).save(FULL)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_bytes() for word in (b"reader", b"default", b"sha256_password", b"ab" * 32))


def test_two_saves_of_one_catalogue_share_no_ciphertext(tmp_path: Path) -> None:
    store(tmp_path).save(FULL)
    first = (tmp_path / "access.sealed").read_bytes()
    store(tmp_path).save(FULL)
    assert first[-32:] != (tmp_path / "access.sealed").read_bytes()[-32:]


@pytest.mark.parametrize("cut", [0, 10, 40, 200, -1])
def test_a_cut_file_is_damaged_not_empty(tmp_path: Path, cut: int) -> None:
    store(tmp_path).save(FULL)
    file = tmp_path / "access.sealed"
    file.write_bytes(file.read_bytes()[:cut])
    assert damaged(tmp_path)


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    store(tmp_path).save(initial(PASSWORD))
    file = tmp_path / "access.sealed"
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert damaged(tmp_path)


def test_a_catalogue_of_another_service_or_under_another_key_is_refused(tmp_path: Path) -> None:
    store(tmp_path).save(FULL)
    assert damaged(tmp_path, service="service-2")
    with pytest.raises(Unavailable):
        store(tmp_path, key=bytes(32)).load()


def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    store(tmp_path).save(FULL)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "access.sealed").rename(elsewhere)
    (tmp_path / "access.sealed").symlink_to(elsewhere)
    assert damaged(tmp_path)


def test_a_disk_that_takes_no_more_leaves_what_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path).save(FULL)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable) as raised:
            store(tmp_path).save(Catalogue())
    assert raised.value.code == "catalogue_not_saved"
    assert store(tmp_path).load() == FULL
    assert [path.name for path in tmp_path.iterdir()] == ["access.sealed"]


def test_what_is_not_declared_is_refused() -> None:
    good = json.loads(json.dumps(to_json(FULL)))
    assert from_json(Catalogue, good) == FULL
    bad: list[tuple[str, object]] = [
        ("generation", "9"),
        ("generation", True),
        ("users", {}),
        ("more", 1),
        ("roles", [1]),
    ]
    for name, value in bad:
        with pytest.raises(ValueError):
            from_json(Catalogue, {**good, name: value})
    with pytest.raises(ValueError):
        from_json(Catalogue, {name: value for name, value in good.items() if name != "quotas"})
    with pytest.raises(ValueError):
        from_json(Catalogue, {**good, "roles": good["roles"] * 2})
    with pytest.raises(ValueError):
        from_json(Method, {**json.loads(json.dumps(to_json(FULL.users["b" * 16].methods[0]))), "kind": "no_password"})


def test_a_new_service_has_its_owner_alone() -> None:
    catalogue = initial(PASSWORD)
    owner = catalogue.user_named(OWNER)
    assert owner is not None
    assert (len(catalogue.users), owner.id) == (1, OWNER_ID)
    assert owner.methods[0].hash == hashlib.sha256(b"correct horse").hexdigest()
    assert owner.grants == (Grant("ALL", grant_option=True),)
    with pytest.raises(ValueError):
        initial("not base64!")


def test_keys_for_different_purposes_and_services_differ() -> None:
    key = bytes(range(32))
    made = {subkey(key, "a"), subkey(key, "b"), subkey(bytes(32), "a"), key}
    assert len(made) == 4
    assert subkey(key, "a") == subkey(key, "a")
    with pytest.raises(Invalid):
        subkey(b"short", "a")


def test_a_subkey_is_what_rfc_5869_says() -> None:
    import hmac

    label = b"stronghouse subkey, version 1: a\x01"
    extracted = hmac.digest(bytes(32), bytes(range(32)), "sha256")
    assert subkey(bytes(range(32)), "a") == hmac.digest(extracted, label, "sha256")


def test_pairs_are_as_long_as_declared_and_whole_numbers_are_numbers() -> None:
    interval = {"seconds": 60, "randomized": False, "limits": [["queries", 5]]}
    assert from_json(QuotaInterval, interval) == QuotaInterval(60, limits=(("queries", 5.0),))
    for limits in ([["queries"]], [["queries", True]], [["queries", 5, 6]], "queries"):
        with pytest.raises(ValueError):
            from_json(QuotaInterval, {**interval, "limits": limits})
