"""What the report says, as plain data; and the report as one HTML page without scripts or anything from elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from stronghouse.compliance.judging import History
from stronghouse.kernel.canonical import Json

templates = Environment(
    loader=PackageLoader("stronghouse.compliance"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def report_data(
    manifest: Mapping[str, Json], matrix: Mapping[str, Any], histories: Mapping[tuple[str, str], History]
) -> dict[str, Any]:
    """Everything that both forms of the report show.

    Args:
        manifest: what the package is, without its list of files.
        matrix: the matrix document.
        histories: how each check did in each place over the period.
    """
    by_check: dict[str, list[History]] = {}
    for (check, _), history in sorted(histories.items()):
        by_check.setdefault(check, []).append(history)
    rows = [
        {
            **{name: row[name] for name in ("id", "title", "owner", "state", "reason")},
            "proven": f"{row['controlsProven']} of {row['controlsTotal']}",
            "controls": [_control(control, by_check) for control in row["controls"]],
        }
        for row in matrix["rows"]
    ]
    return {
        "package": dict(manifest),
        "derived_at": matrix["generatedAt"],
        "summary": [{"state": state, "count": count} for state, count in matrix["summary"].items() if count],
        "rows": rows,
    }


def _control(control: Mapping[str, Any], by_check: Mapping[str, Sequence[History]]) -> dict[str, Any]:
    return {
        **{name: control[name] for name in ("id", "title", "state", "reason")},
        "checks": [
            {
                **{name: check[name] for name in ("id", "title", "severity", "state", "remediation")},
                "places": [_place(history) for history in by_check.get(check["id"], [])],
            }
            for check in control["checks"]
        ],
    }


def _place(history: History) -> dict[str, Any]:
    newest = history.newest
    return {
        "place": history.place,
        "looks": sum(history.looks.values()),
        "counted": ", ".join(f"{count} {state}" for state, count in sorted(history.looks.items())),
        "turns": [turn.__dict__ for turn in history.turns],
        "more_turns": history.more_turns,
        "newest": None if newest is None else newest.__dict__,
    }


def render_html(data: Mapping[str, Any]) -> str:
    """The report as HTML; every text in it is escaped."""
    return templates.get_template("report.html").render(data)
