"""A process with an engine of its own, whose system tables are replaced: `python -m … DIRECTORY` prints what it saw."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from stronghouse.engine.access.answers import Shown, as_select
from stronghouse.engine.access.catalogue import (
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
from stronghouse.engine.access.system_tables import OWN_ROWS, VISIBLE_WITH, statements, usage_statements
from stronghouse.engine.binding import load_engine
from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.quotas import Usage
from stronghouse.kernel.files import write_private

OWNER, BOB, EVE, ROLE, INNER = ("0" * 16, "b" * 16, "e" * 16, "a" * 16, "c" * 16)
INTERVAL = QuotaInterval(3600, limits=(("queries", 5.0), ("execution_time", 2.5)))
CATALOGUE = Catalogue(
    users={
        OWNER: User(OWNER, "default", methods=(Method("sha256_password", "ab" * 32),), grants=(Grant("ALL"),)),
        BOB: User(
            BOB,
            "bob\n'\\\"`é",
            methods=(
                Method("sha256_password", "ab" * 32, valid_until=1_900_000_000),
                Method("bcrypt_password", "$2a$"),
            ),
            hosts=("10.0.0.0/8", "LOCAL"),
            default_roles=Targets(frozenset({ROLE})),
            roles=(RoleGrant(ROLE, admin_option=True),),
            grants=(Grant("SELECT", "db", "t", "c", grant_option=True), Grant("SET DEFINER", parameter="x")),
            settings=(SettingElement("max_threads", "4", "1", "8", "CONST"), SettingElement(profile="d" * 16)),
        ),
        EVE: User(EVE, "eve", roles=(RoleGrant(INNER),), default_roles=Targets(), locked=True),
    },
    roles={ROLE: Role(ROLE, "reader", roles=(RoleGrant(INNER),)), INNER: Role(INNER, "inner")},
    policies={
        "1" * 16: RowPolicy("1" * 16, "p", "db", "t", "a = 'x'", restrictive=True, targets=Targets(everybody=True))
    },
    profiles={"d" * 16: Profile("d" * 16, "small", (SettingElement("max_threads", "4"),), Targets(frozenset({ROLE})))},
    quotas={"2" * 16: Quota("2" * 16, "hourly", "user_name", (INTERVAL,), Targets(frozenset({BOB})))},
)
USAGE = (
    Usage("2" * 16, "bob", INTERVAL, 1_800_000_000, 1_800_003_600, {"queries": 3.0}, frozenset({BOB})),
    Usage("2" * 16, "eve", INTERVAL, 1_800_000_000, 1_800_003_600, {"queries": 1.0}, frozenset({EVE})),
)
ANSWER = Shown(
    (("a`b", "String"), ("moment", "Nullable(DateTime)"), ("seconds", "Nullable(Float64)")),
    (('it\'s\n\\ "é"', 1_800_000_000, 2.5), ("", None, None)),
)
TABLES = sorted({*VISIBLE_WITH, *OWN_ROWS, "quota_usage"} - {"quota_counts"})
USERS = """<clickhouse><profiles><default/></profiles><quotas><default/></quotas><roles>{roles}</roles>
<users><default><no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants><query>GRANT ALL ON *.*</query><query>GRANT {names}</query></grants>
<databases><system>{filters}</system></databases></default></users></clickhouse>"""
CONFIGURATION = "<clickhouse><user_directories><users_xml><path>{}</path></users_xml></user_directories></clickhouse>"


def rendered() -> str:
    """A users file in which the role `u_<owner>` stands for somebody with all privileges."""
    all_ = f"has(currentRoles(), 'u_{OWNER}')"
    conditions = {table: [all_] for table in VISIBLE_WITH}
    for table, own in OWN_ROWS.items():
        conditions.setdefault(table, []).append(f"({own})")
    filters = "".join(f"<{table}><filter>{' OR '.join(any_)}</filter></{table}>" for table, any_ in conditions.items())
    names = [f"u_{id_}" for id_ in CATALOGUE.users] + [f"r_{id_}" for id_ in CATALOGUE.roles]
    select = "<grants><query>GRANT SELECT ON system.*</query></grants>"
    return USERS.format(
        roles="".join(f"<{name}>{select}</{name}>" for name in names), names=", ".join(names), filters=filters
    )


def rows(connection: Connection, sql: str) -> object:
    try:
        data = connection.query(sql, output_format="JSONEachRow").data.decode()
    except DatabaseError as error:
        return error.public
    return [json.loads(line) for line in data.splitlines()]


def columns(connection: Connection) -> dict[str, str]:
    question = "SELECT name, type FROM system.columns WHERE database = 'system' AND table = '{}' AND default_kind = ''"
    return {table: connection.value(question.format(table)) for table in TABLES}


def main(directory: Path) -> None:
    write_private(directory / "users.xml", rendered().encode())
    write_private(directory / "engine.xml", CONFIGURATION.format(directory / "users.xml").encode())
    module = load_engine()
    address = f"file:{directory / 'engine'}?config-file={directory / 'engine.xml'}"
    first = Connection(module.connect(address))
    seen: dict[str, object] = {"columns_before": columns(first)}
    for statement in statements(CATALOGUE, USAGE):
        first.query(statement)
    seen["columns_after"] = columns(first)
    sessions = {"owner": (OWNER,), "bob": (BOB, ROLE, INNER), "bob_inner": (BOB, INNER), "eve": (EVE,)}
    for name, (user, *roles) in sessions.items():
        with Connection(module.connect(address)) as connection:
            connection.query("SET ROLE " + ", ".join([f"u_{user}", *(f"r_{role}" for role in roles)]))
            seen[name] = {table: rows(connection, f"SELECT * FROM system.{table} ORDER BY ALL") for table in TABLES}
            seen[f"{name}_counts"] = rows(connection, "SELECT quota_key FROM system.quota_counts ORDER BY ALL")
    later = (replace(USAGE[0], used={"queries": 4.0, "execution_time": 0.5}),)
    told, tidied = usage_statements(CATALOGUE, later, version=2)
    first.query(told)
    with Connection(module.connect(address)) as owner:
        owner.query(f"SET ROLE u_{OWNER}")
        usage = "SELECT quota_key, queries, execution_time FROM system.quotas_usage"
        seen["usage_later"] = rows(owner, usage)
        first.query(tidied)
        seen["usage_tidied"] = rows(owner, usage)
        seen["counts_tidied"] = rows(owner, "SELECT quota_key FROM system.quota_counts")
        for statement in usage_statements(CATALOGUE, (), version=3):
            first.query(statement)
        seen["usage_none"] = rows(owner, usage)
    seen["select"] = rows(first, as_select(ANSWER))
    seen["select_of_nothing"] = first.query(
        as_select(replace(ANSWER, rows=())), output_format="TSVWithNames"
    ).data.decode()
    first.close()
    sys.stdout.write(json.dumps(seen))
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # the engine's destructors crash beside its threads
