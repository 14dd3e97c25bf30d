"""The cases of checks on the product's own records, files and processes: see `cases` for what each part is."""

from collections.abc import Mapping, Sequence

from stronghouse.kernel.canonical import Json

Fields = Mapping[str, Json]
Parts = tuple[Fields, Sequence[tuple[Fields, str]], Sequence[Fields]]
ORGANIZATION = "00000000-0000-4000-8000-00000000000a"


def _organization(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "organization_id": ORGANIZATION,
        "operator": True,
        "name": "Acme",
        "members": 3,
        "administrators": ["a@acme.test"],
        "enabled_keys": 2,
        "administrator_keys": ["first start"],
    }
    return {"id": "organization/a", "kind": "organization", **fine, **changed}


def _member(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "organization_id": ORGANIZATION,
        "operator": True,
        "email": "a@acme.test",
        "has_password": True,
        "second_factor": True,
        "open_sessions": 1,
        "open_links": 1,
        "links_until": "2026-11-24T12:00:30.000Z",
    }
    return {"id": "member/a/u", "kind": "member", **fine, **changed}


_NOTHING: dict[str, Json] = {"has_password": False, "open_sessions": 0, "open_links": 0, "links_until": None}


def _key(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "organization_id": ORGANIZATION,
        "name": "deploy",
        "state": "enabled",
        "sources": ["10.0.0.0/8"],
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2027-01-01T00:00:00.000Z",
        "used_at": "2026-11-22T00:00:00.000Z",
        "maximum_lifetime_days": 365,
    }
    return {"id": "api_key/k", "kind": "api_key", **fine, **changed}


_ENDED = [_key(state="disabled"), _key(expires_at="2026-11-23T12:00:00.000Z")]


def _stored(kind: str, **changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"name": "x", "in_use": True, "differences": []}
    return {"id": f"{kind}/x", "kind": kind, **fine, **changed}


def _declared(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "service_id": "a1",
        "state": "running",
        "region": "local",
        "declared_region": "local",
        "document_regions": ["local"],
        "backups": 1,
        "ending": False,
        "differences": [],
    }
    return {"id": "service/a1", "kind": "service", **fine, **changed}


def _rendered(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "service_id": "a1",
        "state": "running",
        "running": True,
        "written": True,
        "differences": [],
        "process_problems": [],
        "password_empty": False,
        "expected_user": "default",
        "users": _users_file(),
    }
    return {"id": "service/a1", "kind": "service", **fine, **changed}


def _log(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"rows_total": 12, "newest": None, "retention_days": 30, "journal_bytes": 0, "canary": True}
    return {**fine, **changed}


def _logs(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "service_id": "a1",
        "state": "running",
        "running": True,
        "problem": None,
        "wanted_retention_days": 30,
        "query_log": _log(),
        "session_log": _log(),
    }
    return {"id": "service/a1", "kind": "service", **fine, **changed}


def _users(**changed: Json) -> dict[str, Json]:
    counts: dict[str, Json] = {
        "users": 3,
        "roles": 1,
        "methods": {"sha256_password": 2, "bcrypt_password": 1},
        "unsalted": 0,
        "any_host": 2,
    }
    counts |= {name: changed.pop(name) for name in list(changed) if name in counts}
    fine: dict[str, Json] = {
        "service_id": "a1",
        "state": "running",
        "running": True,
        "problem": None,
        "landlock": True,
        "counts": counts,
    }
    return {"id": "service/a1", "kind": "service", **fine, **changed}


def _users_file(**changed: Json) -> dict[str, Json]:
    return {"unknown": [], "definers": 2, "unrestricted": [], "extra_rights": [], **changed}


def _edge(**changed: Json) -> dict[str, Json]:
    return {"id": "edge/local", "kind": "edge", "running": True, "altered": [], **changed}


def _files(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"files": 12, "truncated": False, "public": ["/state/ca.pem"]}
    for name in ("exposed", "foreign", "unreadable"):
        fine |= {name: [], f"{name}_count": 0}
    return {"id": "files/control", "kind": "files", **fine, **changed}


def _process(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"running": True, "umask": "0077", "traced_by": 0, "core_bytes": 0, "switches": []}
    return {"id": "own_process/control", "kind": "own_process", **fine, **changed}


def _aged(kind: str, since: str | None, **changed: Json) -> dict[str, Json]:
    return {"id": f"{kind}/x", "kind": kind, "what": "data key", "exists": True, "since": since, **changed}


def _lifetime(kind: str) -> Parts:
    return (
        _aged(kind, "2025-11-23T12:00:00.000Z"),
        [(_aged(kind, "2025-11-23T11:00:00.000Z"), "365 days old"), (_aged(kind, None), "how old")],
        [_aged(kind, None, exists=False)],
    )


def _authority(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"used": True, "not_after": "2036-11-20T00:00:00.000Z"}
    return {"id": "authority/edge", "kind": "authority", **fine, **changed}


def _region(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "joined": True,
        "connected": True,
        "last_seen_at": "2026-11-23T11:59:55.000Z",
        "clock_skew_ms": -60_000,
        "protocol": 1,
        "protocol_spoken": True,
        "software": "stronghouse 0.1",
        "certificate_expires_at": "2026-12-23T00:00:00.000Z",
    }
    return {"id": "region/local", "kind": "region", **fine, **changed}


_UNJOINED = _region(
    joined=False, connected=False, last_seen_at=None, clock_skew_ms=None, protocol=None, certificate_expires_at=None
)


def _progress(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {
        "size": 9,
        "running_since": "2026-11-22T12:00:00.000Z",
        "newest_at": "2026-11-23T11:58:00.000Z",
        "latest_at": "2026-11-23T11:58:00.000Z",
        "checkpoint_size": 9,
        "checkpoint_problem": None,
    }
    return {"id": "audit_log", "kind": "audit_log", **fine, **changed}


_OLD: dict[str, Json] = {"newest_at": "2026-11-23T09:59:00.000Z", "latest_at": "2026-11-23T09:59:00.000Z"}


def _place(**changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"what": "data", "path": "/state/x", "in_state_directory": True, "file_system": "ext4"}
    return {**fine, **changed}


def _places(*places: Json, **changed: Json) -> dict[str, Json]:
    fine: dict[str, Json] = {"service_id": "a1", "region": "local", "exists": True, "places": [*places]}
    return {"id": "service/a1", "kind": "service", **fine, **changed}


def _second_factor(*not_applicable: Fields) -> Parts:
    return (
        _member(),
        [
            (_member(second_factor=False), "a password"),
            (_member(**{**_NOTHING, "open_links": 1}, second_factor=False), "one-time link"),
            (_member(**{**_NOTHING, "open_sessions": 1}, second_factor=False), "one-time link"),
        ],
        [_member(**_NOTHING, second_factor=False), *not_applicable],
    )


def _drift(kind: str) -> Parts:
    return (
        _stored(kind),
        [(_stored(kind, differences=["roles is Admin"]), "Admin"), (_stored(kind, differences=list("abcd")), "1 more")],
        [_stored(kind, in_use=False)],
    )


PRODUCT: Mapping[str, Parts] = {
    "members_admins_few": (
        _organization(administrators=list("abcde")),
        [(_organization(administrators=[]), "None of its 3"), (_organization(administrators=list("abcdef")), "6")],
        [_organization(members=0, administrators=[])],
    ),
    "operators_rights_few": (
        _organization(administrators=list("abcde"), administrator_keys=list("ab")),
        [
            (_organization(administrators=list("abcdef")), "people: 6"),
            (_organization(administrator_keys=list("abc")), "API keys: 3"),
        ],
        [_organization(operator=False, administrators=list("abcdef"))],
    ),
    "members_second_factor": _second_factor(),
    "operators_second_factor": _second_factor(_member(operator=False, second_factor=False)),
    "api_keys_expire": (
        _key(),
        [(_key(expires_at=None), "never ends"), (_key(expires_at="2028-01-01T00:00:00.000Z"), "another 403 days")],
        _ENDED,
    ),
    "api_keys_within_maximum": (
        _key(),
        [
            (_key(maximum_lifetime_days=364), "ends 365 days after it was made, and the maximum is 364"),
            (_key(expires_at=None), "never ends, and the maximum is 365"),
        ],
        [*_ENDED, _key(maximum_lifetime_days=None, expires_at=None)],
    ),
    "api_keys_unused_disabled": (
        _key(used_at=None, created_at="2026-08-26T00:00:00.000Z"),
        [(_key(used_at="2026-08-25T00:00:00.000Z"), "last used 90"), (_key(used_at=None), "never used 326")],
        _ENDED,
    ),
    "api_keys_narrow": (
        _key(),
        [(_key(sources=["10.0.0.0/8", "0.0.0.0/0"]), "0.0.0.0/0"), (_key(sources=["8000::/1"]), "8000::/1")],
        [*_ENDED, _key(sources=[])],
    ),
    "api_keys_admin_few": (
        _organization(administrator_keys=["a", "b"]),
        [(_organization(enabled_keys=4, administrator_keys=["a", "b", "c"]), "3 of 4")],
        [_organization(enabled_keys=0, administrator_keys=[])],
    ),
    "sign_in_links_short": (
        _member(),
        [(_member(links_until="2026-11-24T12:02:00.000Z"), "2026-11-24"), (_member(open_links=4), "4 sign-in")],
        [_member(**_NOTHING)],
    ),
    "services_follow_audit_log": (
        _declared(),
        [(_declared(differences=["IP access list is ::/0"]), "::/0"), (_declared(ending=True, differences=["x"]), "x")],
        [_declared(ending=True)],
    ),
    "keys_follow_audit_log": _drift("api_key"),
    "members_follow_audit_log": _drift("member"),
    "organizations_follow_audit_log": _drift("organization"),
    "agents_follow_audit_log": _drift("agent"),
    "database_schema_as_declared": (
        {"id": "database/control", "kind": "database", "in_use": True, "foreign_objects": []},
        [
            (
                {"id": "database/control", "kind": "database", "in_use": False, "foreign_objects": ["trigger t"]},
                "trigger t",
            )
        ],
        [{"id": "database/control", "kind": "database", "in_use": False, "foreign_objects": []}],
    ),
    "service_in_declared_region": (
        _declared(),
        [
            (_declared(declared_region="eu"), "declared was eu"),
            (_declared(declared_region=None), "no region at all"),
            (_declared(document_regions=["eu", "local"]), "eu, local"),
            (_declared(document_regions=[]), "none"),
        ],
        [_declared(region=None)],
    ),
    "service_backup_exists": (
        _declared(),
        [(_declared(backups=0), "No backup")],
        [_declared(state="provisioning"), _declared(state=None), _declared(state="terminating")],
    ),
    "service_configuration_as_rendered": (
        _rendered(),
        [
            (_rendered(differences=["engine.xml differs: gone policies"]), "policies"),
            (_rendered(written=False, differences=["users.xml is missing"]), "missing"),
        ],
        [_rendered(running=False, differences=["engine.xml is missing"])],
    ),
    "edge_configuration_as_rendered": (
        _edge(),
        [(_edge(altered=["xds/routes.json"]), "xds/routes.json")],
        [_edge(running=False, altered=["bootstrap.json"])],
    ),
    "service_process_as_started": (
        _rendered(),
        [(_rendered(process_problems=["its program is /bin/sh"]), "/bin/sh")],
        [_rendered(running=False)],
    ),
    "service_users_known": (
        _rendered(),
        [
            (_rendered(users=_users_file(unknown=["backdoor"])), "backdoor"),
            (_rendered(users=_users_file(extra_rights=["GRANT ALL ON *.*"])), "GRANT ALL"),
            (_rendered(users=_users_file(unrestricted=["default"])), "not restricted"),
            (_rendered(users=None), "cannot be read"),
            (_rendered(password_empty=True), "empty"),
        ],
        [_rendered(running=False, users=None), _rendered(written=False, users=None)],
    ),
    "service_sessions_logged": (
        _logs(),
        [
            (_logs(session_log=_log(canary=False)), "not found in system.session_log"),
            (_logs(session_log=_log(retention_days=7)), "7 days; set are 30"),
            (_logs(problem="It is silent.", session_log=None), "nothing is proven"),
        ],
        [_logs(running=False, session_log=None)],
    ),
    "service_queries_logged": (
        _logs(),
        [
            (_logs(query_log=_log(canary=False)), "not found in system.query_log"),
            (_logs(query_log=_log(retention_days=3650)), "3650 days; set are 30"),
            (_logs(problem="It is silent.", query_log=None), "nothing is proven"),
        ],
        [_logs(running=False, query_log=None)],
    ),
    "service_sign_in_strong": (
        _users(),
        [
            (_users(methods={"sha256_password": 2, "double_sha1_password": 1}), "1 by double_sha1_password"),
            (_users(methods={"no_password": 1}), "1 by no_password"),
            (_users(unsalted=2), "2 by sha256_password without a salt"),
            (_users(methods={}), "Nobody"),
            (_users(problem="It is silent.", counts=None), "nothing is proven"),
        ],
        [_users(running=False, counts=None)],
    ),
    "service_users_confined": (
        _users(),
        [
            (_users(landlock=False), "serves 3 database users"),
            (_users(landlock=True, problem="It is silent.", counts=None), "nothing is proven"),
        ],
        [_users(running=False, landlock=False, counts=None)],
    ),
    "own_files_private": (
        _files(),
        [
            (_files(exposed_count=1, exposed=["/state/control/control.db (0644)"]), "control.db (0644)"),
            (_files(foreign_count=1, foreign=["/state/x (user 1000)"]), "user 1000"),
            (_files(unreadable_count=1, unreadable=["/state/x"]), "unreadable"),
            (_files(truncated=True), "unknown"),
        ],
        [_files(files=0, public=[])],
    ),
    "own_process_guarded": (
        _process(),
        [
            (_process(umask="0022"), "umask 0022"),
            (_process(traced_by=77), "Process 77"),
            (_process(core_bytes=-1), "core file"),
            (_process(switches=["developer mode"]), "developer mode"),
        ],
        [_process(running=False)],
    ),
    "keys_within_lifetime": _lifetime("key"),
    "audit_key_within_lifetime": _lifetime("signing_key"),
    "authorities_fresh": (
        _authority(),
        [(_authority(not_after="2027-02-21T11:00:00.000Z"), "2027-02-21")],
        [_authority(used=False, not_after="2026-11-24T00:00:00.000Z")],
    ),
    "agents_connected": (
        _region(),
        [
            (_region(connected=False), "11:59:55"),
            (_region(connected=False, last_seen_at=None), "never"),
            (_region(protocol=9, protocol_spoken=False), "protocol 9"),
        ],
        [_UNJOINED],
    ),
    "agents_certificate_fresh": (
        _region(),
        [(_region(certificate_expires_at="2026-11-30T11:00:00.000Z"), "2026-11-30")],
        [_UNJOINED],
    ),
    "planes_clock_agrees": (
        _region(),
        [(_region(clock_skew_ms=60_001), "60.0 s behind"), (_region(clock_skew_ms=-90_000), "90.0 s ahead")],
        [_UNJOINED, _region(connected=False)],
    ),
    "audit_log_growing": (
        _progress(running_since="2026-11-23T11:00:00.000Z", **_OLD),
        [
            (_progress(**_OLD), "09:59:00"),
            (_progress(checkpoint_size=8), "all 9"),
            (_progress(checkpoint_size=None), "all 9"),
            (_progress(checkpoint_size=None, checkpoint_problem="The signature does not hold."), "signature"),
            (_progress(latest_at="2026-11-23T12:02:00.000Z"), "12:02:00"),
        ],
        [_progress(size=0, newest_at=None, latest_at=None, checkpoint_size=None)],
    ),
    "service_data_on_local_disk": (
        _places(_place(), _place(what="log", file_system="overlay")),
        [
            (_places(_place(file_system="nfs4")), "nfs4"),
            (_places(_place(file_system="fuse.sshfs")), "fuse.sshfs"),
            (_places(_place(file_system="unknown")), "unknown"),
            (_places(_place(in_state_directory=False, path="/mnt/x")), "/mnt/x"),
        ],
        [_places(exists=False)],
    ),
}
PRODUCT_COLLECTED_BY: Mapping[str, Sequence[str]] = {
    "control_access": ("members_admins_few", "members_second_factor", "api_keys_expire"),
    "declared_state": (
        "services_follow_audit_log",
        "keys_follow_audit_log",
        "members_follow_audit_log",
        "organizations_follow_audit_log",
        "agents_follow_audit_log",
        "database_schema_as_declared",
    ),
    "agents": ("agents_connected",),
    "key_ages": ("keys_within_lifetime", "audit_key_within_lifetime", "authorities_fresh"),
    "audit_progress": ("audit_log_growing",),
    "own_files": ("own_files_private",),
    "own_process": ("own_process_guarded",),
    "rendered_configuration": ("service_configuration_as_rendered", "edge_configuration_as_rendered"),
    "service_places": ("service_data_on_local_disk",),
    "service_logs": ("service_queries_logged",),
    "database_users": ("service_users_confined",),
}
