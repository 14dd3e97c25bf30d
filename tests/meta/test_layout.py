"""What house style asks of every file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_SOURCE_LINES, MAX_TEST_LINES, MAX_FUNCTION_LINES = 600, 800, 50  # aims: 300 and 40
MIGRATIONS = ROOT / "src" / "stronghouse" / "storage" / "migrations"
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc", "views"}


def named(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if "node_modules" not in path.parts:
            yield str(path.relative_to(ROOT)), path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_short_enough_to_be_read() -> None:
    too_long = {name for name, path in named(SOURCES) if len(path.read_text().splitlines()) > MAX_SOURCE_LINES}
    too_long |= {name for name, path in named(TESTS) if len(path.read_text().splitlines()) > MAX_TEST_LINES}
    assert not too_long


def test_functions_fit_a_screen() -> None:
    too_long = {
        f"{name}:{function.lineno} {function.name}"
        for name, path in named(SOURCES)
        if not path.is_relative_to(MIGRATIONS)
        for function in functions(path)
        if (function.end_lineno or function.lineno) - function.lineno >= MAX_FUNCTION_LINES
    }
    assert not too_long


def test_every_package_says_what_it_is_for() -> None:
    silent = {
        name
        for name, path in named(SOURCES)
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert not silent


def test_modules_are_named_after_what_they_hold() -> None:
    assert not {name for name, path in named(SOURCES + TESTS) if path.stem in BANNED_NAMES}


def test_nothing_is_left_to_do_later_and_no_test_is_skipped() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "pytest.mark." + "skip(", "pytest." + "skip(", "@unittest." + "skip")
    found = {f"{name}: {mark}" for name, path in named(SOURCES + TESTS) for mark in marks if mark in path.read_text()}
    assert not found


@pytest.mark.parametrize("package", sorted(path.parent.name for path in ROOT.glob("src/stronghouse/*/__init__.py")))
def test_package_is_imported_without_side_effects(package: str) -> None:
    """A package's own file holds its docstring; what it exports has a module of its own."""
    tree = ast.parse((ROOT / "src" / "stronghouse" / package / "__init__.py").read_text())
    assert all(isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign) for node in tree.body)
