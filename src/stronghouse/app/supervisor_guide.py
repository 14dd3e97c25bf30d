"""The text that stands on the terminal when everything answers: where things are and how to use them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from stronghouse.app.demo_flights import TABLE
from stronghouse.app.demo_protocol import DEMO_SERVICE
from stronghouse.app.supervisor_ports import HOST, url
from stronghouse.app.supervisor_ready import RunningService
from stronghouse.app.supervisor_report import ControlReport
from stronghouse.app.supervisor_settings import UpSettings

PASSWORD_LOST = "<its password>"  # noqa: S105 - what is written where a password is not known


def guide(settings: UpSettings, report: ControlReport, services: Sequence[RunningService], seconds: float) -> str:
    """The whole text. Secrets are in it on the first start only."""
    parts = [f"\nStronghouse is ready in {seconds:.1f} s. Ctrl-C stops it.\n", _places(settings, report, services)]
    parts.append(_exports(settings, report))
    if settings.demo:
        parts += [_snippet(settings, service) for service in services if service.name == DEMO_SERVICE]
    return "\n".join(parts)


def _places(settings: UpSettings, report: ControlReport, services: Sequence[RunningService]) -> str:
    lines = [f"  API       {url(settings.plan.api)}", f"  Console   {url(settings.plan.console)}"]
    if report.login_url is not None:
        lines.append(f"  Sign in   {report.login_url.reveal()}")
        lines.append(f"            as {report.admin_email}; the link works once")
    lines += [f"  Service   {url(service.port)}  {service.name}" for service in services]
    lines += [f"  CA file   {settings.ca_file}", f"  Logs      {settings.log_directory}"]
    return "\n".join(lines) + "\n"


def exports(settings: UpSettings, report: ControlReport) -> dict[str, str]:
    """The variables that `stronghouse`, `clickhousectl`, curl and most other programs find this installation by."""
    found = {
        "SSL_CERT_FILE": str(settings.ca_file),
        "CLICKHOUSE_CLOUD_QUERY_HOST": url(settings.plan.queries),
        "STRONGHOUSE_API_URL": url(settings.plan.api),
        "STRONGHOUSE_CA_FILE": str(settings.ca_file),
    }
    if report.api_key_id is not None and report.api_key_secret is not None:
        key_id, secret = report.api_key_id.reveal(), report.api_key_secret.reveal()
        found |= {
            "STRONGHOUSE_KEY_ID": key_id,
            "STRONGHOUSE_KEY_SECRET": secret,
            "CLICKHOUSE_CLOUD_API_KEY": key_id,
            "CLICKHOUSE_CLOUD_API_SECRET": secret,
        }
    return found


def _exports(settings: UpSettings, report: ControlReport) -> str:
    known = report.api_key_secret is not None
    heading = (
        "For a shell (the key's secret is shown this once):" if known else "For a shell (and an API key of yours):"
    )
    lines = [f"  export {name}={shlex.quote(value)}" for name, value in exports(settings, report).items()]
    programs = Path(sys.executable).parent
    if (programs / "stronghouse").exists():
        lines.append(f'  export PATH={shlex.quote(str(programs))}:"$PATH"')
    example = f"  clickhousectl cloud --url {url(settings.plan.api)} service list    or: stronghouse service list"
    return "\n".join([heading, *lines, example]) + "\n"


def _snippet(settings: UpSettings, service: RunningService) -> str:
    return "For Python (pip install clickhouse-connect):\n\n" + snippet(settings, service)


def snippet(settings: UpSettings, service: RunningService) -> str:
    """Python that asks the demo's table something, over TLS that is verified, with `clickhouse-connect` alone."""
    password = PASSWORD_LOST if service.password is None else service.password.reveal()
    return f'''\
import clickhouse_connect

client = clickhouse_connect.get_client(
    host={HOST!r}, port={service.port}, username={service.username!r}, password={password!r},
    secure=True, ca_cert={str(settings.ca_file)!r},
)
query = """
    SELECT carrier, count() AS flights, round(avg(arr_delay), 1) AS average_delay
    FROM {TABLE} GROUP BY carrier ORDER BY flights DESC LIMIT 5
"""
for row in client.query(query).result_rows:
    print(*row, sep="\\t")
'''  # noqa: S608 - text for people
