"""What there is of an organization as a whole, on the command line."""

import json

from tests.support.control_plane import Plane
from tests.support.region_word import report
from tests.unit.cli.conftest import Cli


def test_quotas_are_listed_with_what_is_used(cli: Cli) -> None:
    cli("service", "create", "demo", "--no-wait")
    shown = cli("org", "quotas")
    assert [line.split()[:3] for line in shown.out.splitlines()[1:]] == [
        ["services-per-organization", "1", "21"],
        ["replicas-per-warehouse", "-", "1"],
    ]
    assert cli("org", "quotas", "--json").json[0]["usage"] == 1


def test_usage_has_no_price(cli: Cli) -> None:
    assert cli("org", "usage", "--json").json == {"grandTotalCHC": 0, "costs": []}
    assert cli("org", "usage", "--from", "2026-11-01", "--to", "2026-11-02").out.split() == [
        "credits",
        "0",
        "records",
        "0",
    ]
    assert cli("org", "usage", "--from", "yesterday").code == 1
    assert "30 days" in cli("org", "usage", "--from", "2025-01-01", "--to", "2026-01-01").err


def test_metrics_of_all_services_of_one_and_where_they_are(cli: Cli, plane: Plane) -> None:
    made = cli("service", "create", "demo", "--no-wait", "--json").json
    report(plane, made["service"]["id"], "running")
    plane.jobs.answers["metrics"] = {"ClickHouseMetrics_Rare": 4}
    assert "ClickHouseMetrics_Rare{" in cli("org", "metrics").out
    assert "ClickHouseMetrics_Rare" not in cli("org", "metrics", "--filtered").out
    assert "ClickHouseMetrics_Rare{" in cli("service", "metrics", "demo").out
    (target,) = json.loads(cli("org", "metrics", "--targets").out)
    assert target["labels"]["clickhouse_service_name"] == "demo"
    assert cli("service", "metrics", "nobody").code == 1


def test_the_sign_in_policy_is_shown_and_changed(cli: Cli, organization_id: str) -> None:
    shown = cli("org", "sign-in-policy")
    assert (shown.code, "not required" in shown.out, "60 minutes" in shown.out) == (0, True, True)
    words = ("--require-second-factor", "--idle-minutes", "15", "--org", organization_id, "--json")
    wanted = {"secondFactorRequired": True, "idleTimeoutMinutes": 15, "absoluteTimeoutMinutes": 720}
    assert cli("org", "sign-in-policy", *words).json == wanted
    assert cli("org", "sign-in-policy", "--json").json == wanted
    relaxed = cli("org", "sign-in-policy", "--no-require-second-factor", "--absolute-minutes", "60", "--json").json
    assert relaxed == {"secondFactorRequired": False, "idleTimeoutMinutes": 15, "absoluteTimeoutMinutes": 60}
    wrong = cli("org", "sign-in-policy", "--idle-minutes", "4")
    assert (wrong.code, "between 5 and 720 minutes" in wrong.err) == (1, True)
