"""The feed and the components over the API: who may import, how long it may be, what is shown."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access.roles.system import DEVELOPER
from stronghouse.api import limits
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.kernel.canonical import Json
from stronghouse.responsibility import actions
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import Result, ResultState
from tests.support.advisories import KEY_ID, VERIFIER_KEY, entry, lines, manifest
from tests.support.control_plane import Plane

FEED = lines(entry("A-1"), entry("A-2", ecosystem="npm"))


def base(organization_id: str) -> str:
    return f"/organizations/{organization_id}"


def bring_in(plane: Plane, organization_id: str, auth: tuple[str, str], content: Any = FEED, **options: Any) -> Any:
    query = options.pop("query", "?unsigned=true")
    return plane.call("PUT", f"{base(organization_id)}/advisories{query}", auth, content=content, **options)


def test_feed_is_shown_as_it_was_imported(plane: Plane) -> None:
    operator = plane.organization()
    auth = plane.admin(operator)
    empty = plane.call("GET", f"{base(operator)}/advisories", auth).json()["result"]
    assert (empty["feed"], empty["operator"]) == (None, True)
    answer = bring_in(plane, operator, auth, query="?unsigned=true&source=a%20friend")
    assert answer.status_code == 200, answer.text
    feed = plane.call("GET", f"{base(operator)}/advisories", auth).json()["result"]["feed"]
    assert {**feed, "unreadableNames": []} == answer.json()["result"]
    assert (feed["entries"], feed["ignored"], feed["signed"], feed["source"]) == ({"PyPI": 1}, 1, False, "a friend")
    assert feed["current"]


def test_signed_feed_needs_its_manifest_and_a_trusted_key(plane: Plane) -> None:
    operator = plane.organization()
    auth = plane.admin(operator)
    header = {"stronghouse-manifest": base64.b64encode(manifest(FEED).encode()).decode()}
    assert bring_in(plane, operator, auth, query="", headers=header).status_code == 400
    trusted = plane.call("POST", f"{base(operator)}/advisories/trustedKeys", auth, json={"verifierKey": VERIFIER_KEY})
    assert trusted.json()["result"]["id"] == KEY_ID
    assert bring_in(plane, operator, auth, query="", headers=header).json()["result"]["signedBy"] == KEY_ID
    for query, headers in (("", {}), ("?unsigned=true", header), ("", {"stronghouse-manifest": "%%%"})):
        assert bring_in(plane, operator, auth, query=query, headers=headers).status_code == 400
    removed = plane.call("DELETE", f"{base(operator)}/advisories/trustedKeys/{KEY_ID}", auth)
    assert removed.status_code == 200
    feed = plane.call("GET", f"{base(operator)}/advisories", auth).json()["result"]["feed"]
    assert (feed["trusted"], feed["current"]) == (False, False)


@pytest.mark.parametrize("text", ["name+00000000+\u00e9", "name+\u00e9", "\u2014", ""])
def test_key_that_is_none_is_refused_with_a_sentence(plane: Plane, text: str) -> None:
    operator = plane.organization()
    answer = plane.call(
        "POST", f"{base(operator)}/advisories/trustedKeys", plane.admin(operator), json={"verifierKey": text}
    )
    assert answer.status_code == 400, answer.text


def test_other_organizations_see_it_and_may_not_change_it(plane: Plane) -> None:
    operator = plane.organization()
    plane.clock.advance(timedelta(seconds=1))
    other = plane.organization("Other")
    auth = plane.admin(other)
    assert bring_in(plane, other, auth).status_code == 403
    seen = plane.call("GET", f"{base(other)}/advisories", auth).json()["result"]
    assert seen["operator"] is False
    assert bring_in(plane, operator, plane.key(operator, DEVELOPER)).status_code == 403


def test_feed_may_be_longer_than_other_bodies_but_not_without_end(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = plane.organization()
    auth = plane.admin(operator)
    long = lines(entry("A-1"), *(entry(f"B-{number}", details="d" * 100_000) for number in range(20)))
    assert len(long) > limits.MAX_BODY_BYTES
    assert bring_in(plane, operator, auth, long).status_code == 200
    smaller = tuple((pattern, min(limit, 1_500_000)) for pattern, limit in limits.UPLOADS)
    monkeypatch.setattr(limits, "UPLOADS", smaller)
    for content in (long, iter([long[:1_000_000], long[1_000_000:]])):
        answer = bring_in(plane, operator, auth, content)
        assert answer.status_code == 413
        assert answer.json()["error"].startswith("PAYLOAD_TOO_LARGE: ")


def test_strangers_body_is_not_read(plane: Plane) -> None:
    operator = plane.organization()

    def parts() -> Any:
        yield b"{"

    assert bring_in(plane, operator, ("nobody", "x"), parts()).status_code == 401


def test_file_that_is_no_feed_leaves_the_former_one(plane: Plane) -> None:
    operator = plane.organization()
    auth = plane.admin(operator)
    bring_in(plane, operator, auth)
    for content in (b"", b"{}", b"PK\x03\x04", lines(entry(ecosystem="npm"))):
        answer = bring_in(plane, operator, auth, content)
        assert answer.status_code == 400
        assert "Traceback" not in answer.text
    assert plane.call("GET", f"{base(operator)}/advisories", auth).json()["result"]["feed"]["entries"] == {"PyPI": 1}


def inventory(plane: Plane, place: str, names: list[str]) -> None:
    """Record a look at a place, as the runner would."""
    checks = plane.control.catalogue.checks
    match: Json = {"id": "A-1", "verdict": "affected", "fixed": ["2"]}
    resources = tuple(
        Resource(
            {
                "id": f"component/pypi/{name}",
                "kind": "component",
                "name": name,
                "ecosystem": "PyPI",
                "version": "1",
                "record_sha256": None,
                "advisory_count": 1,
                "advisories": [match],
            }
        )
        for name in names
    )
    now = plane.clock.now()
    facts = Facts(collector="components", version=1, method="m", target="t", collected_at=now, resources=resources)
    result = Result(resources[0].id, ResultState.PASS, "It is there.")
    part = actions.Part(None, facts, {"components_inventoried": [result]})
    look = actions.Look(place, now, [checks["components_inventoried"].meta], [part], {})
    with plane.control.audit.unit_of_work(Context(SYSTEM)) as uow:
        actions.record_look(uow, look, now=now)


def test_components_are_listed_page_by_page(plane: Plane) -> None:
    operator = plane.organization()
    auth = plane.admin(operator)
    path = f"{base(operator)}/components"
    assert plane.call("GET", path, auth).json()["result"] == []
    inventory(plane, "control", ["a", "b"])
    inventory(plane, "region/local", ["a", "c"])
    whole = plane.call("GET", path, auth).json()["result"]
    assert [(one["place"], one["name"]) for one in whole] == [
        ("control", "a"),
        ("control", "b"),
        ("region/local", "a"),
        ("region/local", "c"),
    ]
    assert whole[0]["advisories"][0]["id"] == "A-1"
    paged, cursor = [], None
    while True:
        query = f"?limit=3{'' if cursor is None else f'&cursor={cursor}'}"
        page = plane.call("GET", path + query, auth).json()
        paged += page["result"]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert paged == whole
