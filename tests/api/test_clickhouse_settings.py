"""Settings of services: what is refused before anything is stored, and what the region is told."""

import json
from typing import Any

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Unavailable
from tests.api.test_scaling import Scaled
from tests.support.control_plane import Plane

PLACE = "/clickhouseSettings"


@pytest.fixture
def running(plane: Plane) -> Scaled:
    """A service whose engine takes every setting."""
    plane.jobs.answers["check_settings"] = None
    return Scaled(plane)


def told(service: Scaled) -> Json:
    return service.told.get("settings")


def test_settings_reach_the_region_once_the_engine_has_passed_them(running: Scaled) -> None:
    given = {
        "max_threads": 4,
        "max_block_size": 1000.0,
        "enable_optimize_predicate_expression": True,
        "join_algorithm": "hash",
    }
    texts = {
        "max_threads": "4",
        "max_block_size": "1000",
        "enable_optimize_predicate_expression": "1",
        "join_algorithm": "hash",
    }
    answer = running.call("PATCH", PLACE, {"settings": given})
    assert answer["settings"] == texts
    assert running.plane.jobs.called == [("local", "check_settings", {"service_id": running.id, "settings": texts})]
    assert told(running) == texts
    assert running.plane.jobs.notified[-1] == "local"
    running.call("PATCH", PLACE, {"settings": {"max_threads": 8}})
    assert told(running) == {**texts, "max_threads": "8"}
    listed = running.call("GET", PLACE)["settings"]
    assert {setting["name"]: setting["value"] for setting in listed} == told(running)
    running.call("DELETE", f"{PLACE}/max_threads")
    running.call("GET", f"{PLACE}/max_threads", expect=404)
    running.call("DELETE", f"{PLACE}/max_threads", expect=404)
    for name in texts.keys() - {"max_threads"}:
        running.call("DELETE", f"{PLACE}/{name}")
    assert "settings" not in running.told, "an older agent refuses a description with a field that it does not know"
    assert len(running.events("service.settings_change")) == 6


def test_the_answer_has_the_form_of_the_question(running: Scaled) -> None:
    as_text = running.call("PATCH", PLACE, {"settings": json.dumps({"max_threads": 4})})["settings"]
    assert json.loads(as_text) == {"max_threads": "4"}
    assert running.call("PATCH", PLACE, {"settings": {"max_threads": "4"}})["settings"] == {"max_threads": "4"}
    assert len(running.events("service.settings_change")) == 1, "the same again is no change"


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "at least one"),
        ("{", "not JSON"),
        ("[1]", "an object"),
        ('{"max_threads": null}', "is text"),
        ('{"max_threads": [1]}', "is text"),
        ({"max_threads": None}, ""),
        ({"max_threads": {"a": 1}}, ""),
        ({"no_such": 1}, "no setting"),
        ({"MAX_THREADS": 1}, "no setting"),
        ({"max_threads": 100_000}, "256"),
        ({"allow_introspection_functions": 1}, "should not be changed"),
        ({"max_bytes_before_external_sort": 1}, "sets it itself"),
        ({"log_comment": "a\nb"}, ""),
        ({"max_threads": "1" * 2000}, ""),
    ],
)
def test_what_the_boundary_refuses_never_reaches_the_region(running: Scaled, settings: Any, word: str) -> None:
    assert word in running.call("PATCH", PLACE, {"settings": settings}, expect=400)
    assert (told(running), running.plane.jobs.called) == (None, [])


def test_what_the_engine_refuses_is_not_stored_and_its_word_cannot_steer_a_terminal(running: Scaled) -> None:
    running.plane.jobs.answers["check_settings"] = "Cannot parse\x1b[31m"
    error = running.call("PATCH", PLACE, {"settings": {"max_block_size": "many"}}, expect=400)
    assert "Cannot parse\N{REPLACEMENT CHARACTER}[31m" in error
    assert told(running) is None


@pytest.mark.parametrize("answer", [True, 1, {}, Unavailable("Nobody.", code="region_silent")])
def test_without_an_engines_word_nothing_is_stored(running: Scaled, answer: Any) -> None:
    running.plane.jobs.answers["check_settings"] = answer
    assert "othing was changed" in running.call("PATCH", PLACE, {"settings": {"max_threads": 4}}, expect=503)
    assert told(running) is None


def test_a_stopped_service_has_no_engine_to_ask_but_its_settings_can_be_reset(running: Scaled) -> None:
    running.call("PATCH", PLACE, {"settings": {"max_threads": 4}})
    running.call("PATCH", "/state", {"command": "stop"})
    assert "Start the service" in running.call("PATCH", PLACE, {"settings": {"max_threads": 5}}, expect=409)
    running.call("DELETE", f"{PLACE}/max_threads")
    assert told(running) is None


def test_there_is_a_limit(running: Scaled) -> None:
    names = [entry["name"] for entry in running.call("GET", f"{PLACE}/schema")["settings"] if entry["type"] == "Bool"]
    assert "at most 200" in running.call("PATCH", PLACE, {"settings": dict.fromkeys(names[:201], 1)}, expect=400)
    running.call("PATCH", PLACE, {"settings": dict.fromkeys(names[:200], 1)})
    assert "at most 200" in running.call("PATCH", PLACE, {"settings": {names[200]: 1}}, expect=400)
