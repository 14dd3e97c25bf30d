"""Which column a responsibility stands in, and what is shown of it."""

from typing import Any

import pytest

from stronghouse.console.matrix import COLUMNS, OWNERS, STATES, Wanted, groups, problems, summary, tally
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.model import Owner, RowState


def row(state: str = "fail", owner: str = "platform", **changed: Any) -> dict[str, Any]:
    return {"id": "a.b", "title": "A thing", "group": "g", "state": state, "owner": owner, "controls": [], **changed}


def check(severity: str, *places: dict[str, Any]) -> dict[str, Any]:
    return {"id": severity, "severity": severity, "places": list(places)}


def test_every_owner_and_state_of_the_model_has_its_place() -> None:
    assert set(OWNERS) == {one.value for one in Owner}
    assert set(STATES) == {one.value for one in RowState}
    for one in load_catalogue().responsibilities:
        ((_, (line,)),) = groups([row(owner=one.owner.value)], Wanted())
        assert line.before + line.span + line.after == len(COLUMNS)
        assert line.span >= 1


@pytest.mark.parametrize(
    ("owner", "place"),
    [("cloud", (0, 1)), ("platform", (1, 1)), ("customer", (2, 1)), ("shared", (1, 2)), ("third party", (0, 3))],
)
def test_the_cell_stands_below_who_carries_it(owner: str, place: tuple[int, int]) -> None:
    ((_, (line,)),) = groups([row(owner=owner)], Wanted())
    assert (line.before, line.span) == place


def test_in_each_group_the_worst_comes_first() -> None:
    ((_, lines),) = groups([row("pass"), row("partial"), row("fail"), row("stale")], Wanted())
    assert [line.row["state"] for line in lines] == ["fail", "stale", "partial", "pass"]


def test_the_address_says_what_is_shown() -> None:
    rows = [row("pass", "cloud", title="Physical security"), row("fail", "platform", title="Encryption at rest")]

    def titles(wanted: Wanted) -> list[str]:
        return [line.row["title"] for _, lines in groups(rows, wanted) for line in lines]

    assert titles(Wanted(state="fail")) == ["Encryption at rest"]
    assert titles(Wanted(owner="cloud")) == ["Physical security"]
    assert titles(Wanted(text="SECURITY phys")) == ["Physical security"]
    assert titles(Wanted(state="fail", owner="cloud")) == []


def test_the_bar_has_every_row_once_and_fits() -> None:
    found = tally([row("pass")] * 5 + [row("fail")] * 2 + [row("manual")] * 27)
    assert [(one.state, one.count) for one in found] == [("fail", 2), ("manual", 27), ("pass", 5)]
    assert found[-1].start + found[-1].width <= 1000
    assert tally([]) == []


def test_what_is_wrong_is_told_once_and_the_gravest_first() -> None:
    bad = {"resource": "x", "state": "fail", "reason": "so", "evidenceId": "e"}
    fine = {"resource": "y", "state": "pass", "reason": "so", "evidenceId": "e"}
    here = {"place": "control", "state": "fail", "reason": "1 fails", "results": [bad, fine]}
    away = {"place": "region/a", "state": "stale", "reason": "old", "results": [fine]}
    twice = {"checks": [check("low", here), check("critical", away)]}
    found = problems(row(controls=[twice, twice]))
    assert [(one["check"]["id"], one["place"], one["resource"], one["state"]) for one in found] == [
        ("critical", "region/a", "", "stale"),
        ("low", "control", "x", "fail"),
    ]


def test_the_sentence_counts_only_what_is_proven() -> None:
    rows = [row("pass"), row("accepted"), row("error"), row("fail"), row("partial")]
    assert summary(rows) == "1 of 5 responsibilities are fully proven, 2 are failing."
