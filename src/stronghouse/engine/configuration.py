"""The engine's two configuration files, made as XML trees from data. No name or value in them comes from users."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.settings import DEFAULTS, FIXED, FIXED_OF_TABLES
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
GRANTS = (
    "SHOW, SHOW ACCESS, CHECK, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, "
    "CREATE ARBITRARY TEMPORARY TABLE, CREATE FUNCTION, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, KILL QUERY, SYSTEM, "
    "dictGet"
)
"""The user's rights. Sources (FILE, URL, S3, REMOTE, …), access management, named collections, dictionaries, backups
and introspection are not among them: the second net below the admission of statements."""

_ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./@+=,: -]*")
Content = str | Sequence["Node"]
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


def write_configuration(layout: Layout, *, memory_limit_bytes: int) -> None:
    """Write both files, 0600.

    Raises:
        Invalid: the path has characters that would mean something in a connection string.
    """
    if not _PLAIN_PATH.fullmatch(str(layout.root)):
        raise Invalid("The path of a service's data may hold letters, digits and _./@+=,:- only.", code="path_invalid")
    private_directory(layout.configuration)
    for path, content in rendered_configuration(layout, memory_limit_bytes=memory_limit_bytes).items():
        write_private(path, content)


def rendered_configuration(layout: Layout, *, memory_limit_bytes: int) -> dict[Path, bytes]:
    """Both files as this version writes them."""
    return {
        layout.engine_file: _render(engine_tree(layout, memory_limit_bytes=memory_limit_bytes)),
        layout.users_file: _render(users_tree()),
    }


def engine_tree(layout: Layout, *, memory_limit_bytes: int) -> Node:
    """The engine's configuration: one encrypted disk behind every storage policy, no log tables, bounded memory."""
    # The order of disks counts: the wrapped one must be announced before the one that wraps it.
    disks: Node = (
        "disks",
        (
            ("local", (("type", "local"), ("path", f"{layout.disk}/"))),
            (
                DISK,
                (
                    ("type", "encrypted"),
                    ("disk", "local"),
                    ("path", "data/"),
                    ("algorithm", "AES_256_CTR"),
                    ("key_hex", KEY_VARIABLE),
                    ("current_key_id", "1"),
                ),
            ),
        ),
    )
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
            ("storage_configuration", (disks, ("policies", policies))),
            ("merge_tree", merge_tree),
            ("max_server_memory_usage", str(memory_limit_bytes)),
            ("mark_cache_size", cache),
            ("primary_index_cache_size", cache),
            ("index_mark_cache_size", cache),
            ("query_condition_cache_size", str(16 << 20)),
        ),
    )


def users_tree() -> Node:
    """The users file: the engine's one user with the rights and the settings that everybody has."""
    constraints: list[Node] = [(name, (("const", ""),)) for name in FIXED]
    constraints += [(f"merge_tree_{name}", (("const", ""),)) for name in FIXED_OF_TABLES]
    profile: list[Node] = [*FIXED.items(), *DEFAULTS.items(), ("constraints", constraints)]
    grants: list[Node] = [("query", f"GRANT {GRANTS} ON *.*")]
    grants += [("query", f"GRANT TABLE ENGINE ON {name}") for name in TABLE_ENGINES]
    grants.append(("query", "GRANT SET DEFINER ON default"))
    user = (
        ("no_password", ""),  # reached by this process only; people are authenticated by the front
        ("networks", (("ip", "::/0"),)),
        ("profile", "default"),
        ("quota", "default"),
        ("grants", grants),
    )
    return (
        "clickhouse",
        (
            ("profiles", (("default", profile),)),
            ("quotas", (("default", ""),)),
            ("users", (("default", user),)),
        ),
    )


def _render(tree: Node) -> bytes:
    return bytes(ET.tostring(_element(tree), encoding="utf-8", xml_declaration=True)) + b"\n"


def _element(node: Node) -> ET.Element:
    name, content = node
    if not _ELEMENT.fullmatch(name):
        raise ValueError(f"{name!r} is no element of a configuration")
    element = ET.Element(name)
    if name == "key_hex":  # the one element with attributes: which key, and from where
        element.attrib.update(id="1", from_env=str(content))
    elif isinstance(content, str):
        if not content.isprintable():
            raise ValueError(f"the value of {name} has characters that XML cannot hold")
        element.text = content
    else:
        element.extend(_element(child) for child in content)
    return element
