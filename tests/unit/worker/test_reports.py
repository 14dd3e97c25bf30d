"""What a worker may say of its logs and users: numbers, which arrive as they were sent, and nothing else."""

import hashlib
import json
from typing import Any

import pytest

from stronghouse.engine.access.catalogue import OWNER, Catalogue, Method, Role, User
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.configuration import render
from stronghouse.kernel.canonical import Json
from stronghouse.worker.reports import AccessReport, LogReport, LogReports, access_report

LOG = LogReport(rows_total=7, newest=1_795_000_000.25, retention_days=30, journal_bytes=512, canary=True)
ACCESS = AccessReport(
    users=3, roles=2, methods={"sha256_password": 3}, unsalted=1, any_host=2, users_file_sha256="ab" * 32
)


def _method(kind: Any = "sha256_password", salt: str = "") -> Method:
    return Method(kind, "c0ffee" * 10, salt)


def test_what_is_sent_is_what_arrives() -> None:
    reports = LogReports(
        query_log=LOG, session_log=LogReport(rows_total=0, newest=None, retention_days=1, journal_bytes=0)
    )
    assert LogReports.from_json(json.loads(json.dumps(reports.to_json()))) == reports
    assert AccessReport.from_json(json.loads(json.dumps(ACCESS.to_json()))) == ACCESS
    bare: dict[str, Json] = {"rows_total": 1, "newest": 5, "retention_days": 2, "journal_bytes": 0}
    assert LogReport.from_json(bare).canary is None


@pytest.mark.parametrize(
    "change",
    [
        {"rows_total": -1},
        {"rows_total": True},
        {"rows_total": None},
        {"newest": "now"},
        {"newest": 1e300},
        {"newest": -5},
        {"newest": float("nan")},
        {"retention_days": 1.5},
        {"journal_bytes": "0"},
        {"canary": "yes"},
        {"canary": 1},
    ],
)
def test_report_of_a_log_with_anything_else_in_it_is_refused(change: dict[str, Json]) -> None:
    with pytest.raises(ValueError):
        LogReport.from_json({**LOG.to_json(), **change})


@pytest.mark.parametrize(
    "change",
    [{"users": -1}, {"roles": True}, {"methods": []}, {"methods": {"x": "1"}}, {"unsalted": None}, {"any_host": 0.5}],
)
def test_report_of_users_with_anything_else_in_it_is_refused(change: dict[str, Json]) -> None:
    with pytest.raises(ValueError):
        AccessReport.from_json({**ACCESS.to_json(), **change})


@pytest.mark.parametrize("value", [None, [], 1, {}, {"query_log": {}, "session_log": None}])
def test_anything_else_is_refused(value: Json) -> None:
    for kind in (LogReport, LogReports, AccessReport):
        with pytest.raises(ValueError):
            kind.from_json(value)


def test_catalogue_is_told_in_numbers_without_a_name_or_a_hash() -> None:
    users = [
        User("0" * 16, OWNER, methods=(_method(),)),
        User("1" * 16, "ada", methods=(_method(salt="pepper"), _method("bcrypt_password"))),
        User("2" * 16, "bob", methods=(_method(), _method("double_sha1_password")), hosts=("10.0.0.0/8",)),
        User("3" * 16, "nobody", hosts=()),
    ]
    catalogue = Catalogue(users={user.id: user for user in users}, roles={"4" * 16: Role("4" * 16, "reader")})
    report = access_report(catalogue)
    assert (report.users, report.roles, report.any_host) == (4, 1, 1)
    assert report.methods == {"bcrypt_password": 1, "double_sha1_password": 1, "sha256_password": 3}
    assert report.unsalted == 1, "bob's: the owner's comes from the console as it is"
    assert report.users_file_sha256 == hashlib.sha256(render(users_tree(catalogue))).hexdigest()
    told = json.dumps(report.to_json())
    assert not any(word in told for word in ("ada", "bob", "reader", "c0ffee", "pepper"))
