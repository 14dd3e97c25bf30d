"""`stronghouse org`."""

from tests.unit.cli.conftest import Cli


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
