"""Audit events keep their form: a log is read years later, by programs that nobody here knows."""

import ast
import json
import os
import re
from pathlib import Path

import pytest

from stronghouse.audit.event import AuditEvent
from tests.meta.audit_event_types import SOURCE, classes, event_types, wire

GOLDEN = Path(__file__).parents[1] / "golden" / "audit_events.json"
Forms = dict[str, dict[str, str | None]]  # by code: the activity, and each field's form
BASES = {"AuditEvent", "FindingEvent", "DispositionEvent"}


def test_an_event_that_was_written_down_is_there_with_every_field_in_its_form() -> None:
    """`make golden` adds new events and new fields, and keeps what is there.

    An event that changes otherwise takes a new code; if no release has it yet, take its entry out of the file by hand.
    """
    now: Forms = {one.code: {"activity": one.activity, **one.fields} for one in event_types()}
    if os.environ.get("STRONGHOUSE_GOLDEN") == "write":
        kept: Forms = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        GOLDEN.write_text(json.dumps(merged(kept, now), indent=1, sort_keys=True) + "\n")
    assert json.loads(GOLDEN.read_text()) == now


def merged(kept: Forms, now: Forms) -> Forms:
    """What is there, with what is new; a form that knows all that the old one knew takes its place."""
    added = {code: form for code, form in now.items() if {**form, **kept.get(code, {})} == form}
    return {**kept, **added}


def test_writing_anew_adds_and_neither_removes_nor_changes() -> None:
    kept: Forms = {"a.gone": {"activity": None}, "a.changed": {"activity": None, "name": "string"}}
    now: Forms = {"a.new": {"activity": None}, "a.changed": {"activity": None, "name": "integer"}}
    assert merged(kept, now) == {**kept, "a.new": {"activity": None}}
    wider: Forms = {"a.changed": {"activity": None, "name": "string", "more": "string"}}
    assert merged(kept, wider) == {**kept, **wider}


def test_no_two_events_have_the_same_code() -> None:
    codes = [one.code for one in event_types()]
    assert len(codes) == len(set(codes))
    assert len(codes) == len(classes())


def test_codes_follow_the_grammar() -> None:
    assert not [one.code for one in event_types() if not re.fullmatch(r"[a-z_]+\.[a-z_]+", one.code)]


def test_every_event_says_what_it_is_and_how_it_ends() -> None:
    for one in event_types():
        assert one.told.endswith("."), one.code
        assert one.told != " ".join((AuditEvent.__doc__ or "").split()), one.code
        assert one.outcomes, one.code


@pytest.mark.parametrize("word", ["fail", "refuse", "denied", "deny"])
def test_what_did_not_succeed_is_not_recorded_as_a_success(word: str) -> None:
    wrong = [one.code for one in event_types() if one.code.endswith(word) and "success" in one.outcomes]
    assert not wrong


def test_every_class_of_events_is_found() -> None:
    """Whatever derives from an event, by whatever path, is in the list or is a base without a code."""
    found = {event.__name__ for event in classes()}
    defined = {
        node.name: {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    events = {"AuditEvent"}
    while more := {name for name, bases in defined.items() if bases & events} - events:
        events |= more
    assert {name for name in events - found if not name.startswith("_")} == BASES


def test_a_field_without_one_form_in_json_is_refused() -> None:
    assert wire(dict[str, list[str | None]]) == "object of list of string or null"
    with pytest.raises(TypeError, match="no one form"):
        wire(float)
