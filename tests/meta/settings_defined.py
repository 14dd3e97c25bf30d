"""The environment variables that Stronghouse reads: module constants, each with the docstring that documents it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
NAME = re.compile(r"^STRONGHOUSE_(?:_[A-Z]+)*[A-Z_]*[A-Z]$")
OWN = frozenset({"STRONGHOUSE_DATA_KEY"})  # set by Stronghouse for its own worker; nobody else may set it


@cache
def settings() -> dict[str, str]:
    """What the docstring below each constant says, by the variable's name; empty where there is none."""
    found: dict[str, str] = {}
    for _, tree in _trees():
        for statement, following in zip(tree.body, [*tree.body[1:], None], strict=True):
            if isinstance(statement, ast.Assign) and (name := _variable(statement.value)) is not None:
                found[name] = " ".join((_text(following) or "").split())
    return {name: told for name, told in sorted(found.items()) if name not in OWN}


def named_elsewhere() -> set[str]:
    """Variables that the code reads or names as a whole string without defining them so."""
    found = set()
    for _, tree in _trees():
        found |= {name for node in ast.walk(tree) if (name := _variable(node)) is not None}
    return found - set(settings()) - OWN


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        content = path.read_text()
        if "STRONGHOUSE_" in content:
            yield path, ast.parse(content)


def _variable(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.match(node.value):
        return node.value
    return None


def _text(node: ast.stmt | None) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None
