"""For each check: a resource that passes, ones that fail, ones that it does not apply to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.facts import Facts, Resource
from tests.unit.responsibility.document_cases import HOSTING, on_file
from tests.unit.responsibility.host_cases import HOST_CASES, HOST_COLLECTED_BY, HOST_MANUAL
from tests.unit.responsibility.product_cases import PRODUCT, PRODUCT_COLLECTED_BY

Fields = Mapping[str, Json]
COLLECTED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Cases:
    """What a check must say about which resource; each failing one with a word that its reason must hold."""

    passing: Fields
    failing: Sequence[tuple[Fields, str]]
    not_applicable: Sequence[Fields]
    manual: Sequence[Fields] = ()


def facts(collector: str, resources: Sequence[Fields], *, collected_at: datetime = COLLECTED_AT) -> Facts:
    """Facts about these resources."""
    return Facts(
        collector=collector,
        version=1,
        method="made up",
        target="a test",
        collected_at=collected_at,
        resources=tuple(Resource(fields) for fields in resources),
    )


def _service(**fields: Json) -> dict[str, Json]:
    return {"id": "service/a1", "kind": "service", "service_id": "a1", "state": "running", **fields}


def _answers(**changed: Json) -> Json:
    answers: dict[str, Json] = {
        "1.0": {"outcome": "refused", "detail": "alert 70"},
        "1.1": {"outcome": "refused", "detail": "alert 70"},
        "1.2": {"outcome": "accepted", "detail": "server hello"},
        "1.3": {"outcome": "accepted", "detail": "server hello"},
    }
    return {**answers, **{name.replace("v", "").replace("_", "."): value for name, value in changed.items()}}


def _handshake(**changed: Json) -> Json:
    good: dict[str, Json] = {
        "trusted": True,
        "problem": None,
        "protocol": "TLSv1.3",
        "names": ["localhost"],
        "not_before": "2026-11-01T00:00:00.000Z",
        "not_after": "2026-12-31T00:00:00.000Z",
    }
    return {**good, **changed}


def _endpoint(**changed: Json) -> dict[str, Json]:
    return {
        "id": "endpoint/localhost:8447@127.0.0.1",
        "kind": "endpoint",
        "service_id": "a1",
        "expected": True,
        "reachable": True,
        "unreachable_because": None,
        "required_versions": ["1.2", "1.3"],
        "versions": _answers(),
        "plaintext": {"outcome": "refused", "detail": "connection closed"},
        "handshake": _handshake(),
        **changed,
    }


_GONE: dict[str, Json] = {"reachable": False, "unreachable_because": "Connection refused"}
_SHORT: dict[str, Json] = {"not_before": "2026-11-20T00:00:00.000Z"}


def _disk(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "files": 12,
        "empty": 0,
        "plaintext": 0,
        "odd": 0,
        "allowed": {"definitions": 2},
        "encrypted": {"aa": 10},
        "algorithms": {"aes_256_ctr": 10},
        "plaintext_paths": [],
        "odd_paths": [],
        "truncated": False,
    }
    return _service(**{**fine, **changed})


def _key(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "problem": None,
        "fingerprint": "aa",
        "key_id": "local:1",
        "files_by_fingerprint": {"aa": 10},
    }
    return _service(**{**fine, **changed})


def _channels(**changed: Json) -> dict[str, Json]:
    none: dict[str, Json] = {"watched": True, "working": 0, "untried": 0, "failing": 0}
    return {"id": "notifications/a", "kind": "notifications", **none, **changed}


def _machine_key(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "used": True,
        "kms": "local",
        "outside_state_directory": True,
        "private": True,
        "mode": "0600",
    }
    return {"id": "machine_key/local", "kind": "machine_key", **fine, **changed}


def _access(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "declared": ["127.0.0.0/8", "2001:db8::/32"],
        "enforced": ["127.0.0.0/8", "2001:db8::/32"],
        "served": True,
        "expected": True,
    }
    return _service(**{**fine, **changed})


def _process(*addresses: str, **changed: Json) -> dict[str, Json]:
    sockets: list[Json] = [{"address": address, "port": 8443} for address in addresses]
    return {
        "id": "process/envoy",
        "kind": "process",
        "processes": 2,
        "hidden": 0,
        "hidden_in_sandbox": 0,
        "sockets": sockets,
        **changed,
    }


def _sandbox(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "running": True,
        "missing": [],
        "in_force": ["landlock", "seccomp"],
        "probed": True,
        "reached": [],
        "tried": 9,
    }
    return _service(**{**fine, **changed})


def _attempts(*outcomes: str) -> Json:
    return [{"name": f"attempt {at}", "outcome": outcome, "detail": "told"} for at, outcome in enumerate(outcomes)]


def _listener(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "reachable": True,
        "unreachable_because": None,
        "attempts": _attempts("refused", "refused"),
    }
    return {"id": "agent_listener/localhost:8446", "kind": "agent_listener", **fine, **changed}


def _packages(**changed: Json) -> dict[str, Json]:
    good: dict[str, Json] = {"pieces": 12, "verified_days_ago": 90, "problem": None}
    return {"id": "packages/o1", "kind": "packages", **good, **changed}


def _audit_log(**changed: Json) -> dict[str, Json]:
    return {"id": "audit_log", "kind": "audit_log", "problem": None, "size": 9, "checkpoints": 4, **changed}


def _evidence(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"pieces": 3, "results": 7, "problem_count": 0, "problems": []}
    return {"id": "evidence", "kind": "evidence", **fine, **changed}


def _findings(**changed: Json) -> dict[str, Json]:
    none: Json = {"count": 0, "oldest": []}
    fine: dict[str, Json] = {
        "ever": 4,
        "unresolved": 2,
        "untriaged": {"critical": none, "high": none},
        "overdue": 0,
        "overdue_list": [],
    }
    return {"id": "findings/installation", "kind": "findings", **fine, **changed}


def _untriaged(*, critical: str | None = None, high: str | None = None) -> Json:
    def listed(opened_at: str | None) -> Json:
        named: dict[str, Json] = {"finding": "ab", "title": "It is open", "resource": "file/x", "opened_at": opened_at}
        return {"count": 0, "oldest": []} if opened_at is None else {"count": 1, "oldest": [named]}

    return {"critical": listed(critical), "high": listed(high)}


def _guidance(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "organization_id": "00000000-0000-4000-8000-00000000000a",
        "subjects": 3,
        "profile": "baseline",
        "offered": ["baseline", "development"],
        "settings": 10,
        "differences": {"open": 0, "declined": 1, "task": 1, "overdue": 0},
        "unanswered_count": 0,
        "unanswered": [],
    }
    return {"id": "guidance/a", "kind": "guidance", **fine, **changed}


def _matched(advisory: str, verdict: str, *fixed: str) -> Json:
    return {
        "id": advisory,
        "aliases": [],
        "severity": "high",
        "summary": "made up",
        "verdict": verdict,
        "fixed": [*fixed],
    }


def _component(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "id": "component/pypi/widget",
        "kind": "component",
        "name": "widget",
        "ecosystem": "PyPI",
        "package": "widget",
        "version": "1.2",
        "record_sha256": "ab",
        "usual_feed": True,
        "feed_entries": 900,
        "feed_time": "2026-11-22T00:00:00.000Z",
        "feed_trusted": True,
        "advisory_count": 0,
        "advisories": [],
    }
    return {**fine, **changed}


def _program(**changed: Json) -> dict[str, Json]:
    program: dict[str, Json] = {
        "id": "component/bitnami/envoy",
        "name": "envoy",
        "ecosystem": "Bitnami",
        "package": "envoy",
        "usual_feed": False,
        "feed_entries": 40,
    }
    return _component(**{**program, **changed})


def _engine(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "id": "engine/clickhouse",
        "kind": "engine",
        "runs_here": True,
        "version": "26.9.2.1",
        "list_date": "2026-11-20",
        "compared_with": 25,
        "advisory_count": 0,
        "advisories": [],
    }
    return {**fine, **changed}


def _inventory(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"runs_here": True, "count": 99, "unreadable": []}
    return {"id": "inventory/python", "kind": "inventory", **fine, **changed}


def _feed(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "components": 99,
        "imported": True,
        "feed_time": "2026-11-22T00:00:00.000Z",
        "source": "OSV",
        "signed_by": "0a1b2c3d",
        "trusted": True,
        "entries": {"PyPI": 900},
        "unreadable": 2,
    }
    return {"id": "feed", "kind": "feed", **fine, **changed}


CASES: Mapping[str, Cases] = {
    **{name: Cases(*case, HOST_MANUAL.get(name, ())) for name, case in HOST_CASES.items()},
    **{check: Cases(*parts) for check, parts in PRODUCT.items()},
    "guidance_profile_chosen": Cases(
        _guidance(), [(_guidance(profile=None), "baseline, development")], [_guidance(subjects=0, profile=None)]
    ),
    "guidance_advice_followed": Cases(
        _guidance(),
        [
            (_guidance(unanswered_count=2, unanswered=["key.expiry.days/key/k1 (open): It never expires."]), "key/k1"),
            (_guidance(unanswered_count=1), "not listed"),
        ],
        [_guidance(profile=None)],
    ),
    "tls_certificate_trusted": Cases(
        _endpoint(),
        [
            (_endpoint(handshake=_handshake(trusted=False, problem="self-signed certificate")), "self-signed"),
            (_endpoint(**_GONE), "Nothing answers"),
        ],
        [_endpoint(**_GONE, expected=False)],
    ),
    "tls_certificate_fresh": Cases(
        _endpoint(handshake=_handshake(not_after="2026-11-30T12:00:00.000Z")),
        [
            (_endpoint(handshake=_handshake(not_after="2026-11-30T11:59:59.000Z")), "2026-11-30"),
            (_endpoint(handshake=_handshake(not_after="2026-11-01T00:00:00.000Z", trusted=False)), "expires"),
            (_endpoint(handshake=_handshake(**_SHORT, not_after="2026-11-24T00:00:00.000Z")), "not renewed"),
            (_endpoint(handshake=_handshake(not_after=None, not_before=None)), "no certificate"),
        ],
        [_endpoint(**_GONE)],
    ),
    "tls_versions_modern": Cases(
        _endpoint(required_versions=["1.3"], versions=_answers(v1_2={"outcome": "refused", "detail": "alert 70"})),
        [
            (_endpoint(versions=_answers(v1_0={"outcome": "accepted", "detail": "server hello"})), "TLS 1.0"),
            (_endpoint(versions=_answers(v1_1={"outcome": "inconclusive", "detail": "no answer"})), "TLS 1.1"),
            (_endpoint(versions=_answers(v1_2={"outcome": "refused", "detail": "alert 40"})), "TLS 1.2"),
            (_endpoint(required_versions=[]), "no version"),
        ],
        [_endpoint(**_GONE)],
    ),
    "tls_plaintext_refused": Cases(
        _endpoint(),
        [(_endpoint(plaintext={"outcome": "accepted", "detail": "answered"}), "plain text")],
        [_endpoint(**_GONE)],
    ),
    "rest_files_encrypted": Cases(
        _disk(),
        [
            (_disk(plaintext=1, plaintext_paths=["tmp/spill.bin"]), "tmp/spill.bin"),
            (_disk(odd=1, odd_paths=["link"]), "link"),
            (_disk(truncated=True), "more files"),
            (_disk(allowed={"whatever": 1}), "unknown reason"),
            (_disk(algorithms={"aes_256_ctr": 9, "aes_128_ctr": 1}), "aes_128_ctr"),
        ],
        [_disk(encrypted={}, algorithms={}, allowed={})],
    ),
    "tde_key_unwraps": Cases(
        _key(),
        [(_key(problem="The sealed key was altered.", fingerprint=None), "altered")],
        [_key(fingerprint=None, key_id=None)],
    ),
    "tde_files_use_key": Cases(
        _key(),
        [
            (_key(files_by_fingerprint={"aa": 9, "bb": 1}), "1 of 10"),
            (_key(fingerprint=None), "no data key"),
        ],
        [_key(files_by_fingerprint={})],
    ),
    "tde_machine_key_apart": Cases(
        _machine_key(),
        [
            (_machine_key(outside_state_directory=False), "inside"),
            (_machine_key(private=False, mode="0644"), "0644"),
        ],
        [{"id": "machine_key/local", "kind": "machine_key", "used": False, "kms": "vault"}],
    ),
    "network_access_enforced": Cases(
        _access(),
        [
            (_access(enforced=None), "every address"),
            (_access(enforced=["127.0.0.0/8", "2001:db8::/32", "192.0.2.0/24"]), "192.0.2.0/24"),
            (_access(enforced=["127.0.0.0/8"]), "2001:db8::/32"),
            (_access(served=False, enforced=None), "does not serve"),
        ],
        [_access(served=False, expected=False, enforced=None)],
    ),
    "network_access_narrow": Cases(
        _access(),
        [
            (_access(declared=["0.0.0.0/0"]), "0.0.0.0/0"),
            (_access(declared=["127.0.0.0/8", "::/0"]), "::/0"),
            (_access(declared=["0.0.0.0/1", "128.0.0.0/1"]), "128.0.0.0/1"),
        ],
        [_access(declared=[])],
    ),
    "listening_loopback_only": Cases(
        _process("127.0.0.1", "::1"),
        [
            (_process("127.0.0.1", "0.0.0.0"), "0.0.0.0:8443"),
            (_process("::"), "[::]:8443"),
            (_process("192.0.2.1", hidden_in_sandbox=1), "192.0.2.1"),
            (_process("127.0.0.1", hidden=1), "unknown"),
        ],
        [_process(hidden_in_sandbox=2)],
    ),
    "sandbox_kernel_enforced": Cases(
        _sandbox(), [(_sandbox(missing=["landlock"]), "landlock")], [_sandbox(running=False)]
    ),
    "sandbox_reaches_nothing": Cases(
        _sandbox(),
        [(_sandbox(reached=["/etc/passwd"]), "/etc/passwd"), (_sandbox(tried=0), "Nothing could be tried")],
        [_sandbox(probed=False)],
    ),
    "service_password_required": Cases(
        _service(running=True, attempts=_attempts("refused", "refused")),
        [
            (_service(running=True, attempts=_attempts("refused", "accepted")), "attempt 1"),
            (_service(running=True, attempts=_attempts("inconclusive")), "attempt 0"),
            (_service(running=True, attempts=[]), "nothing is proven"),
        ],
        [_service(running=False, attempts=[])],
    ),
    "plane_access_authenticated": Cases(
        _listener(),
        [
            (_listener(attempts=_attempts("accepted", "refused")), "attempt 0"),
            (_listener(attempts=[]), "nothing was tried"),
        ],
        [_listener(reachable=False, unreachable_because="Connection refused")],
    ),
    "notifications_deliver": Cases(
        _channels(working=1),
        [(_channels(), "no notification channel"), (_channels(working=1, failing=1), "failed on 1")],
        [_channels(watched=False)],
    ),
    "package_verifies": Cases(
        _packages(),
        [
            (_packages(verified_days_ago=None), "No package"),
            (_packages(verified_days_ago=91), "91 days"),
            (_packages(problem="The PDF could not be made."), "PDF"),
        ],
        [_packages(pieces=0, verified_days_ago=None)],
    ),
    "audit_tree_verified": Cases(
        _audit_log(),
        [(_audit_log(problem="Entry 3 of the audit log was altered."), "Entry 3")],
        [_audit_log(size=0)],
    ),
    "findings_triaged_in_time": Cases(
        _findings(untriaged=_untriaged(critical="2026-11-22T12:00:00.000Z", high="2026-11-20T12:00:00.000Z")),
        [
            (_findings(untriaged=_untriaged(critical="2026-11-22T11:59:59.999Z")), "critical, file/x"),
            (_findings(untriaged=_untriaged(high="2026-11-20T11:59:59.999Z")), "high, file/x"),
        ],
        [_findings(ever=0, unresolved=0)],
    ),
    "findings_mended_in_time": Cases(
        _findings(),
        [
            (
                _findings(overdue=1, overdue_list=[{"title": "It is open", "due_at": "2026-11-23T11:00:00.000Z"}]),
                "due 2026-11-23",
            ),
            (_findings(overdue=2), "none named"),
        ],
        [_findings(ever=0, unresolved=0)],
    ),
    "audit_evidence_intact": Cases(
        _evidence(),
        [(_evidence(problem_count=1, problems=["Evidence ab was altered."]), "altered")],
        [_evidence(pieces=0)],
    ),
    "advisories_feed_current": Cases(
        _feed(),
        [
            (_feed(imported=False, feed_time=None, source=None, signed_by=None), "No advisories were imported"),
            (_feed(feed_time="2026-11-09T11:59:59.000Z"), "older than 14 days"),
            (_feed(trusted=False), "trusted no longer"),
        ],
        [_feed(components=0)],
    ),
    "components_free_of_advisories": Cases(
        _component(),
        [
            (_component(advisories=[_matched("GHSA-1", "affected", "1.3")], advisory_count=1), "fixed in 1.3"),
            (_component(advisories=[_matched("GHSA-1", "affected")], advisory_count=1), "no fixed version"),
            (
                _component(advisories=[_matched("GHSA-1", "affected", "1.3")], feed_time="2026-01-01T00:00:00.000Z"),
                "GHSA-1",
            ),
            (_program(advisories=[_matched("BIT-1", "affected", "1.41.0")]), "1.41.0"),
        ],
        [_program(feed_entries=0)],
        manual=[
            _component(version=None),
            _component(feed_time=None, feed_entries=0, feed_trusted=False),
            _component(feed_entries=0),
            _component(feed_time="2026-11-09T11:59:59.000Z"),
            _component(feed_trusted=False),
            _component(advisories=[_matched("GHSA-1", "unknown")]),
        ],
    ),
    "components_covered": Cases(
        _program(), [(_program(feed_entries=0), "is not compared")], [_component(), _component(feed_entries=0)]
    ),
    "components_inventoried": Cases(
        _inventory(),
        [(_inventory(unreadable=["widget"]), "widget"), (_inventory(count=0), "Nothing was found")],
        [_inventory(id="inventory/engine", runs_here=False, count=0)],
    ),
    "engine_free_of_advisories": Cases(
        _engine(),
        [
            (_engine(advisories=[_matched("CVE-1", "affected", "26.9.3.1", "26.10.1.1")]), "26.10.1.1"),
            (_engine(advisories=[_matched("CVE-1", "affected")]), "no fixed version"),
        ],
        [_engine(runs_here=False, version=None)],
        manual=[
            _engine(version=None),
            _engine(list_date="2026-08-20"),
            _engine(advisories=[_matched("CVE-1", "unknown")]),
        ],
    ),
    "hosting_declared": Cases(*HOSTING),
}
_COLLECTED_BY: Mapping[str, Sequence[str]] = {
    "components": (
        "advisories_feed_current",
        "components_free_of_advisories",
        "components_covered",
        "components_inventoried",
        "engine_free_of_advisories",
    ),
    **PRODUCT_COLLECTED_BY,
    **HOST_COLLECTED_BY,
    "guidance": ("guidance_profile_chosen",),
    "packages": ("package_verifies",),
    "audit_tree": ("audit_tree_verified", "audit_evidence_intact"),
    "tls_endpoints": ("tls_certificate_trusted",),
    "listening_sockets": ("listening_loopback_only",),
    "disk_encryption": ("rest_files_encrypted",),
    "data_keys": ("tde_key_unwraps", "tde_machine_key_apart"),
    "network_access": ("network_access_enforced",),
    "worker_sandbox": ("sandbox_reaches_nothing",),
    "service_authentication": ("service_password_required",),
    "plane_access": ("plane_access_authenticated",),
    "notification_channels": ("notifications_deliver",),
    "findings": ("findings_triaged_in_time",),
    "documents": ("hosting_declared",),
}


def passing(collector: str) -> list[dict[str, Json]]:
    """Resources of a collector about which every check that judges them says that all is well."""
    fields = [dict(CASES[check].passing) for check in _COLLECTED_BY[collector]]
    return [*fields, *on_file()] if collector == "documents" else fields
