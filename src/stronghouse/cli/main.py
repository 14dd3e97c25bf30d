"""The command `stronghouse`: every noun's commands under one roof, and errors as one sentence with an exit code."""

import typer

from stronghouse import __version__
from stronghouse.cli import (
    access,
    advise,
    advisories,
    agent,
    audit,
    auth,
    check,
    control,
    demo,
    doctor,
    document,
    evidence,
    finding,
    history,
    invitation,
    join,
    key,
    matrix,
    member,
    notification,
    org,
    package,
    query,
    query_endpoint,
    responsibility,
    role,
    service,
    service_metrics,
    service_rest,
    service_scaling,
    service_settings,
    sign_in_link,
    up,
    verify_audit,
)
from stronghouse.cli.failures import report_failure
from stronghouse.kernel.errors import StronghouseError

app = typer.Typer(
    name="stronghouse",
    help="ClickHouse on your own machines with the security controls of a managed cloud.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up")(up.up)
app.command("control")(control.control)
app.command("agent")(agent.agent)
app.command("join")(join.join)
app.command("doctor")(doctor.doctor)
app.command("verify-audit")(verify_audit.verify_audit)
app.command("sign-in-link")(sign_in_link.sign_in_link)
app.command("matrix")(matrix.matrix)
app.command("evidence")(evidence.evidence)
app.command("history")(history.history)
app.command("check")(check.check)
app.command("advise")(advise.advise)
app.command("components")(advisories.components)
service.app.command("metrics")(service_metrics.show_metrics)
service.app.command("scale")(service_scaling.scale_service)
service.app.command("backups")(service_rest.list_backups)
service.app.command("backup-config")(service_rest.show_backup_configuration)
service.app.command("private-endpoint")(service_rest.show_private_endpoint)
service.app.add_typer(service_scaling.app)
service.app.add_typer(service_settings.app)
app.command("fill-demo", hidden=True)(demo.fill_demo)
service.app.command("query")(query.query_service)
service.app.add_typer(query_endpoint.app)
for noun in (
    advisories,
    member,
    invitation,
    notification,
    service,
    key,
    role,
    access,
    org,
    audit,
    document,
    package,
    auth,
    finding,
    responsibility,
):
    app.add_typer(noun.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stronghouse {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """ClickHouse on your own machines with the security controls of a managed cloud."""


def main() -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 wrong usage, 4 not allowed."""
    try:
        app(prog_name="stronghouse")  # ends with SystemExit, of its own or of a command's
    except StronghouseError as error:
        return report_failure(error)
    return 0
