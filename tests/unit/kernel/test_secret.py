"""A secret does not get out by accident."""

import copy
import json
import pickle

import pytest

from stronghouse.kernel.logs import redact
from stronghouse.kernel.secret import Secret

SECRET = Secret("hunter2-é")


def test_no_usual_way_of_printing_shows_it() -> None:
    assert "hunter2" not in f"{SECRET}{SECRET!r}{SECRET!s}{[SECRET]}" + "%s" % SECRET  # noqa: UP031
    with pytest.raises(TypeError):
        json.dumps(SECRET)


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy, hash, lambda secret: secret == SECRET])
def test_ways_to_leak_or_to_compare_in_variable_time_raise(escape) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        escape(SECRET)


def test_it_matches_only_its_own_text_even_beyond_ascii() -> None:
    assert SECRET.matches("hunter2-é")
    assert not SECRET.matches("hunter2-e")


def test_generated_secrets_carry_their_prefix_and_differ() -> None:
    first, second = Secret.generate(prefix="sh_"), Secret.generate(prefix="sh_")
    assert first.reveal().startswith("sh_")
    assert len(first.reveal()) >= 3 + 42
    assert not first.matches(second.reveal())


def test_logs_redact_secrets_and_sensitive_keys() -> None:
    event = redact(None, "info", {"event": "x", "who": SECRET, "Password": "hunter2", "count": 1})
    assert event == {"event": "x", "who": "***", "Password": "***", "count": 1}
