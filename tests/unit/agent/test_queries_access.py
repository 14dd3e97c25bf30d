"""Who may use the queries host, by what the control plane said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from stronghouse.access.api_keys import hash_text
from stronghouse.agent.queries.access import MAX_AGE_SECONDS, Grant, QueryAccess
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.kernel.clock import FixedClock
from stronghouse.kernel.errors import Denied, NotFound, StronghouseError, Unauthenticated, Unavailable
from stronghouse.kernel.secret import Secret

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OURS, THEIRS, NOBODYS = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
HERE = "192.0.2.7"


def key(number: int, **fields: Any) -> dict[str, Any]:
    """A key whose id is `id<number>` and whose secret is `secret<number>`."""
    return {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "key_id_hash": hash_text(f"id{number}"),
        "key_secret_hash": hash_text(f"secret{number}"),
        "enabled": True,
        "expires_at": None,
        "ip_access": ["192.0.2.0/24"],
        **fields,
    }


def endpoint(service_id: str, *keys: dict[str, Any], origins: tuple[str, ...] = ()) -> EndpointDocument:
    """A service's endpoint for these keys."""
    content = {
        "id": NOBODYS,
        "service_id": service_id,
        "roles": ["sql_console_read_only"],
        "allowed_origins": list(origins),
        "keys": list(keys),
    }
    return EndpointDocument.model_validate(content)


class Region:
    """What one region knows."""

    def __init__(self, *endpoints: EndpointDocument) -> None:
        self.age: float | None = 0.0
        self.clock = FixedClock(NOW)
        self.access = QueryAccess(self.clock, lambda: self.age)
        self.access.replace(endpoints)

    def check(self, number: int, service_id: str = OURS, *, secret: str | None = None, address: str = HERE) -> Grant:
        given = Secret(f"secret{number}" if secret is None else secret)
        return self.access.check(service_id, key_id=f"id{number}", key_secret=given, address=address)

    def refused(self, kind: type[StronghouseError], number: int, service_id: str = OURS, **how: str) -> str:
        with pytest.raises(kind) as raised:
            self.check(number, service_id, **how)
        return raised.value.code


def test_a_key_that_is_named_is_let_in() -> None:
    region = Region(endpoint(OURS, key(1)))
    assert region.check(1) == Grant(OURS, key(1)["id"], HERE)


def test_whatever_is_wrong_with_a_key_keeps_it_out() -> None:
    region = Region(
        endpoint(
            OURS,
            key(1),
            key(2, enabled=False),
            key(3, expires_at="2026-11-26T12:00:00Z"),
            key(4, ip_access=[]),
            key(5, ip_access=["198.51.100.0/24", "2001:db8::/32"]),
        )
    )
    assert region.refused(Unauthenticated, 9) == "key_unknown"
    assert region.refused(Unauthenticated, 1, secret="secret2") == "key_unknown"
    assert region.refused(Unauthenticated, 1, secret="") == "key_unknown"
    assert region.refused(Unauthenticated, 2) == "key_disabled"
    assert region.refused(Unauthenticated, 3) == "key_expired"
    assert region.refused(Denied, 4) == "key_address"
    assert region.refused(Denied, 5) == "key_address"
    assert region.refused(Denied, 1, address="") == "key_address"
    assert region.check(5, address="::ffff:198.51.100.3").address == "::ffff:198.51.100.3"


def test_a_key_ends_at_the_moment_that_it_names() -> None:
    region = Region(endpoint(OURS, key(1, expires_at="2026-11-26T12:00:01Z")))
    region.check(1)
    region.clock.advance(timedelta(seconds=1))
    assert region.refused(Unauthenticated, 1) == "key_expired"


def test_another_organizations_key_learns_nothing_of_our_services() -> None:
    region = Region(endpoint(OURS, key(1)), endpoint(THEIRS, key(2)))
    with pytest.raises(NotFound) as named_by_another:
        region.check(2, OURS)
    with pytest.raises(NotFound) as no_such_service:
        region.check(2, NOBODYS)
    assert named_by_another.value.public == no_such_service.value.public
    region.check(2, THEIRS)


def test_an_endpoint_that_is_gone_lets_in_nobody() -> None:
    region = Region(endpoint(OURS, key(1)), endpoint(THEIRS, key(1)))
    grant = region.check(1)
    assert region.access.still_holds(grant)
    region.access.replace([endpoint(THEIRS, key(1))])
    assert region.refused(NotFound, 1) == "query_endpoint_absent"
    assert not region.access.still_holds(grant)
    region.access.replace([])
    assert region.refused(Unauthenticated, 1, THEIRS) == "key_unknown"


@pytest.mark.parametrize("fields", [{"enabled": False}, {"ip_access": ["198.51.100.0/24"]}])
def test_a_grant_ends_when_its_key_is_narrowed(fields: dict[str, Any]) -> None:
    region = Region(endpoint(OURS, key(1)))
    grant = region.check(1)
    region.access.replace([endpoint(OURS, key(1, **fields))])
    assert not region.access.still_holds(grant)


def test_keys_hold_for_an_hour_without_the_control_plane_and_not_before_it_was_heard() -> None:
    region = Region(endpoint(OURS, key(1)))
    region.age = MAX_AGE_SECONDS
    region.check(1)
    for age in (MAX_AGE_SECONDS + 1, None):
        region.age = age
        assert region.refused(Unavailable, 1) == "keys_stale"


def test_origins_are_allowed_by_name_or_all_of_them() -> None:
    region = Region(endpoint(OURS, origins=("https://a.example.com",)), endpoint(THEIRS, origins=("*",)))
    assert region.access.allows_origin(OURS, "https://A.example.com")
    for origin in ("http://a.example.com", "https://a.example.com:8443", "https://b.example.com", "null", ""):
        assert not region.access.allows_origin(OURS, origin)
    assert region.access.allows_origin(THEIRS, "https://b.example.com")
    assert not region.access.allows_origin(NOBODYS, "https://a.example.com")


@pytest.mark.parametrize(
    "broken",
    [
        {"key_secret_hash": "short"},
        {"key_id_hash": "$$$"},
        {"ip_access": ["everywhere"]},
        {"enabled": "yes"},
        {"expires_at": "2026-11-26"},
        {"id": "../etc"},
        {"more": 1},
    ],
)
def test_what_is_not_understood_is_no_endpoint(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        endpoint(OURS, key(1, **broken))
