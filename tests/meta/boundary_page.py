"""The reference page of what a statement may be made of, written from the reviewed tables of the engine's boundary."""

from collections.abc import Iterator

from stronghouse.engine.boundary.classification import Entry, Table, Verdict, classified

TITLES = {
    Table.STATEMENTS: "Statements",
    Table.FUNCTIONS: "Functions",
    Table.TABLE_FUNCTIONS: "Table functions",
    Table.TABLE_ENGINES: "Table engines",
    Table.DATABASE_ENGINES: "Database engines",
    Table.FORMATS: "Formats",
    Table.CODECS: "Codecs",
    Table.SETTINGS: "Settings",
    Table.MERGE_TREE_SETTINGS: "Settings of MergeTree tables",
    Table.OTHER_SETTINGS: "Other settings",
    Table.SYSTEM_TABLES: "Tables of `system`",
}
MEANINGS = {
    Verdict.ADMIN: "for the service's owner",
    Verdict.ACCESS: "about users and rights, answered by the service itself",
    Verdict.FIXED: "the service gives or checks it",
    Verdict.REFUSE: "refused",
}
BEGINNING = """
A service takes from ClickHouse what is on a list, name by name. Below is what is *not* simply allowed, and why;
everything else that the engine lists is. A name that no list has, as one that a newer engine brings, is refused. The
error names what it was and says why.
"""


def boundary_page(written: str) -> str:
    """Every table: how many names are allowed, and each of the others by what becomes of it and why."""
    parts = ["# What a statement may be made of", "", written, BEGINNING]
    for table, title in TITLES.items():
        entries = list(classified(table).values())
        allowed = sum(entry.verdict is Verdict.ALLOW for entry in entries)
        parts += [f"## {title}", "", f"Allowed are {allowed} of {len(entries)}.", ""]
        if allowed < len(entries):
            parts += ["| what | why | names |", "| --- | --- | --- |", *_rows(entries), ""]
    return "\n".join(parts)


def _rows(entries: list[Entry]) -> Iterator[str]:
    named: dict[tuple[Verdict, str], list[str]] = {}
    for entry in entries:
        if entry.verdict is not Verdict.ALLOW:
            why = "" if entry.reason == "-" else entry.because
            named.setdefault((entry.verdict, why), []).append(f"`{entry.name}`")
    order = list(MEANINGS)
    for (verdict, why), names in sorted(named.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
        yield f"| {MEANINGS[verdict]} | {why} | {', '.join(names)} |"
