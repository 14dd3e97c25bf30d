"""The engine's two configuration files, made as XML trees from data.

Names of elements are our own, or names of databases and tables that are safe as such (`ELEMENT`). Values that come from
users are text of elements, never attributes, and cannot refer to other values: the engine would put in whatever
`${profiles.default.x}` names (`inert`).
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.logs.tables import ENGINE_CONFIGURATION, ENGINE_SETTINGS
from stronghouse.engine.room import KEPT_FREE_BYTES
from stronghouse.engine.settings import DEFAULTS, EXPRESSIONS, FIXED, FIXED_OF_TABLES
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.files import private_directory, write_private

KEY_VARIABLE = "STRONGHOUSE_DATA_KEY"
"""The environment variable that the engine reads the data key from, set only while it opens."""
POLICY = "main"
DISK = "encrypted"
TABLE_ENGINES = (
    "MergeTree",
    "ReplacingMergeTree",
    "SummingMergeTree",
    "AggregatingMergeTree",
    "CollapsingMergeTree",
    "VersionedCollapsingMergeTree",
    "CoalescingMergeTree",
    "GraphiteMergeTree",
    "Memory",
    "Null",
    "View",
    "MaterializedView",
)
"""Engines whose rows are on the table's storage policy or in memory only. Log, StripeLog, Set, Join and EmbeddedRocksDB
write to the unencrypted default disk; Buffer, Merge and Alias get around what a table's name protects."""
DATABASE_ENGINES = ("Atomic",)
ELEMENT = re.compile(r"(?!include\Z)[A-Za-z_][A-Za-z0-9_-]*")
"""What can be an element's name. `include` has a meaning of its own (measured: the engine does not open); a dot or a
bracket would be part of a path to something else."""
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that an element's text cannot hold."""
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./@+=,: -]*")


@dataclass(frozen=True)
class EnvironmentKey:
    """A key that the engine takes from an environment variable while it opens."""

    id: str
    variable: str


Content = str | EnvironmentKey | Sequence["Node"]
Node = tuple[str, Content]


@dataclass(frozen=True)
class Layout:
    """Where a service's things are, below its data directory."""

    root: Path

    @property
    def engine(self) -> Path:
        """The engine's own directory: definitions, no rows."""
        return self.root / "engine"

    @property
    def temporary(self) -> Path:
        """Where the engine would put temporary files: an empty file, so that nothing can be created below it."""
        return self.engine / "tmp"

    @property
    def disk(self) -> Path:
        """What lies under the encrypted disk: all rows, as ciphertext."""
        return self.root / "disk"

    @property
    def configuration(self) -> Path:
        """The rendered files and the key's check value."""
        return self.root / "configuration"

    @property
    def engine_file(self) -> Path:
        """The engine's configuration."""
        return self.configuration / "engine.xml"

    @property
    def users_file(self) -> Path:
        """The users' configuration."""
        return self.configuration / "users.xml"


def write_configuration(layout: Layout, *, memory_limit_bytes: int, users: Node) -> None:
    """Write both files, 0600.

    Args:
        layout: where to.
        memory_limit_bytes: what the engine may use.
        users: the users file's tree (`engine/access/rendering.py`).

    Raises:
        Invalid: the path has characters that would mean something in a connection string.
    """
    if not _PLAIN_PATH.fullmatch(str(layout.root)):
        raise Invalid("The path of a service's data may hold letters, digits and _./@+=,:- only.", code="path_invalid")
    private_directory(layout.configuration)
    write_private(layout.engine_file, render(engine_tree(layout, memory_limit_bytes=memory_limit_bytes)))
    write_private(layout.users_file, render(users))


def engine_tree(layout: Layout, *, memory_limit_bytes: int) -> Node:
    """The engine's configuration: one encrypted disk behind every storage policy, no log tables, bounded memory."""
    # `default` too, so that no statement can name an unencrypted policy.
    policies = [(name, (("volumes", (("main", (("disk", DISK),)),)),)) for name in (POLICY, "default")]
    merge_tree = (
        ("storage_policy", POLICY),
        ("fsync_after_insert", "1"),
        ("min_rows_to_fsync_after_merge", "1"),
        # A vertical merge needs temporary files.
        ("enable_vertical_merge_algorithm", "0"),
    )
    cache = str(max(memory_limit_bytes // 8, 32 << 20))
    return (
        "clickhouse",
        (
            ("user_directories", (("users_xml", (("path", str(layout.users_file)),)),)),
            ("storage_configuration", (_disks(layout), ("policies", policies))),
            ("merge_tree", merge_tree),
            # Otherwise a materialized view that does not say so has no definer, and runs with everybody's rights.
            ("ignore_empty_sql_security_in_create_view_query", "0"),
            ("max_server_memory_usage", str(memory_limit_bytes)),
            ("mark_cache_size", cache),
            ("primary_index_cache_size", cache),
            ("index_mark_cache_size", cache),
            ("query_condition_cache_size", str(16 << 20)),
            ENGINE_CONFIGURATION,
        ),
    )


def _disks(layout: Layout) -> Node:
    # The order of disks counts: the wrapped one must be announced before the one that wraps it.
    return (
        "disks",
        (
            (
                "local",
                (
                    ("type", "local"),
                    ("path", f"{layout.disk}/"),
                    ("keep_free_space_bytes", str(KEPT_FREE_BYTES)),
                ),
            ),
            (
                DISK,
                (
                    ("type", "encrypted"),
                    ("disk", "local"),
                    ("path", "data/"),
                    ("algorithm", "AES_256_CTR"),
                    ("key_hex", EnvironmentKey("1", KEY_VARIABLE)),
                    ("current_key_id", "1"),
                ),
            ),
        ),
    )


def base_profile(name: str, *, expressions: bool = False) -> Node:
    """The settings that every connection begins with; those that are fixed are constant.

    `expressions`: for connections that may evaluate what stands in VALUES, as their address says.
    """
    fixed = {**FIXED, **ENGINE_SETTINGS, **dict.fromkeys(EXPRESSIONS, str(int(expressions)))}
    constraints: list[Node] = [(name, (("const", ""),)) for name in fixed]
    constraints += [(f"merge_tree_{name}", (("const", ""),)) for name in FIXED_OF_TABLES]
    return name, [*fixed.items(), *DEFAULTS.items(), ("constraints", constraints)]


def inert(sql: str) -> str:
    """SQL as an element's text may hold it: nothing that the engine would replace when it reads the file.

    What is escaped stands within strings and quoted names, in canonical SQL, and means the same there.
    """
    return UNWRITABLE.sub(_escape, sql).replace("${", "\\x24{")


def _escape(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def render(tree: Node) -> bytes:
    """A tree as the text of a file."""
    return bytes(ET.tostring(_element(tree), encoding="utf-8", xml_declaration=True)) + b"\n"


def _element(node: Node) -> ET.Element:
    name, content = node
    if not ELEMENT.fullmatch(name):
        raise ValueError(f"{name!r} is no element of a configuration")
    element = ET.Element(name)
    if isinstance(content, EnvironmentKey):
        element.attrib.update(id=content.id, from_env=content.variable)
    elif isinstance(content, str):
        if UNWRITABLE.search(content):
            raise ValueError(f"the value of {name} has characters that XML cannot hold")
        element.text = content
    else:
        element.extend([_element(child) for child in content])
    return element
