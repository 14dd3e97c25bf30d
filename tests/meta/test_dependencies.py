"""What we depend on: justified, locked with hashes, licensed to be used, from nowhere in particular."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
BUILD = PROJECT["dependency-groups"]["build"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;]+)(.*)$", re.MULTILINE)
LICENCES = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|MPL|PSF|Python Software Foundation|CC0|Unlicense|Zlib|HPND)\b", re.IGNORECASE
)
LICENCE_KNOWN = {  # for packages whose metadata do not say it, or say one that has conditions
    "psycopg": "LGPL-3.0: imported unchanged as a library that anybody can exchange, which its section 4 allows",
    "psycopg-binary": "LGPL-3.0: as psycopg",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def locked(name: str) -> dict[str, str]:
    return {normal(found): version for found, version, _ in entries(name)}


def entries(name: str) -> list[tuple[str, str, str]]:
    """Name, version and the rest of each requirement."""
    return ENTRY.findall((ROOT / name).read_text().replace("\\\n", ""))


def test_every_direct_dependency_has_its_reason_in_the_documentation() -> None:
    document = (ROOT / "docs" / "reference" / "dependencies.md").read_text()
    explained = {normal(name) for name in re.findall(r"^\| `([^`]+)` \|", document, re.MULTILINE)}
    wanted = {normal(name) for name in DIRECT + DEVELOPMENT + BUILD}
    assert explained == wanted


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_place(name: str) -> None:
    text = (ROOT / name).read_text()
    found = entries(name)
    assert found
    assert all("--hash=sha256:" in rest for _, _, rest in found)
    assert "://" not in text
    assert "index" not in text
    assert "find-links" not in text


def test_locks_hold_what_the_project_asks_for_and_agree_with_each_other() -> None:
    runtime, development, build = (locked(name) for name in LOCKS)
    assert {normal(name) for name in DIRECT + BUILD} <= set(runtime)
    assert {normal(name) for name in DEVELOPMENT} <= set(development)
    assert set(build) == {normal(name) for name in BUILD}
    for part in (runtime, build):
        assert {name: version for name, version in part.items() if development.get(name) != version} == {}
    exact = dict(entry.split("==") for entry in DIRECT if "==" in entry)
    assert {name: runtime[normal(name)] for name in exact} == exact


def test_what_is_installed_is_what_is_locked() -> None:
    differing = {}
    for name, version in locked("requirements.lock").items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # for another Python
        if installed != version and name not in {normal(build) for build in BUILD}:
            differing[name] = (installed, version)
    assert not differing


def test_every_runtime_package_may_be_used() -> None:
    unclear = {}
    for name in locked("requirements.lock"):
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        said = [text[:200] for field in ("License-Expression", "License") for text in about.get_all(field) or []]
        said += [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
        if name not in LICENCE_KNOWN and not LICENCES.search(" ".join(said)):
            unclear[name] = said
    assert not unclear


def test_our_own_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
