"""What an event changed is read from its data; its proof holds under the head that was signed."""

from typing import Any

import pytest

from stronghouse.audit import checkpoint, store, tree
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.presentation import Change, changes, proof
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.errors import Invalid
from tests.unit.audit.conftest import DoorOpened


@pytest.mark.parametrize(
    ("code", "data", "expected"),
    [
        ("service.rename", {"before": "a", "after": "b"}, [Change("name", "a", "b")]),
        ("check.state_change", {"before": "pass", "after": "fail", "place": "x"}, [Change("state", "pass", "fail")]),
        ("hosting.declare", {"before": None, "after": "aws"}, [Change("hosting", None, "aws")]),
        ("api_key.update", {"change": "state-changed", "before": "a", "after": "b"}, [Change("state", "a", "b")]),
        (
            "service.ip_access_change",
            {"before": ["a", "b"], "after": ["b", "c"]},
            [Change("ip_access", ["a", "b"], ["b", "c"], added=("c",), removed=("a",))],
        ),
        ("x.list", {"before": None, "after": ["c"]}, [Change("x", None, ["c"], added=("c",))]),
        ("x.mixed_change", {"before": "old", "after": ["c"]}, [Change("mixed", "old", ["c"])]),
        (
            "finding.update",
            {"changes": {"status": ["open", "triaged"], "assignee": [None, "ann"], "odd": ["x"]}},
            [Change("assignee", None, "ann"), Change("status", "open", "triaged")],
        ),
        (
            "x.set",
            {"before": {"same": 1, "gone": 2}, "after": {"same": 1, "new": [3]}},
            [Change("gone", 2, None), Change("new", None, [3], added=(3,))],
        ),
        ("door.open", {"door": "front"}, []),
        ("door.open", {"before": "only"}, []),
        ("door.open", None, []),
    ],
)
def test_changes_are_what_the_data_says(code: str, data: Any, expected: list[Change]) -> None:
    assert changes({"code": code, "data": data}) == expected


def test_proof_holds_under_the_signed_head(log: AuditLog) -> None:
    for number in range(5):
        with log.unit_of_work(Context(SYSTEM)) as uow:
            uow.record(DoorOpened(organization_id="o", door=str(number)))
            uow.record(DoorOpened(organization_id="o", door="again"))
    with log.database.read() as connection:
        for entry in store.entries(connection):
            shown = proof(connection, entry)
            head = checkpoint.verify(shown.checkpoint or "", origin=log.signer.origin, public_key=log.signer.public_key)
            assert (head.size, head.root) == (shown.size, shown.root) == (10, shown.root)
            assert tree.leaf_hash(shown.leaf.encode()) == shown.leaf_hash
            assert tree.verify_inclusion(shown.leaf_hash, shown.index, shown.size, shown.path, head.root)
        inside = proof(connection, next(store.entries(connection)), size=3)
        assert inside.checkpoint is None  # no transaction ended there
        assert tree.verify_inclusion(inside.leaf_hash, 0, 3, inside.path, inside.root)
        for size in (4, 11):
            with pytest.raises(Invalid):
                proof(connection, list(store.entries(connection))[4], size=size)
