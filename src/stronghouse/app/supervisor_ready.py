"""The ready-file (design.md section 6): what a script needs to use an installation, written once everything answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stronghouse.app.supervisor_ports import PortPlan, url
from stronghouse.app.supervisor_report import ControlReport
from stronghouse.app.supervisor_settings import UpSettings
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.files import write_private
from stronghouse.kernel.secret import Secret


@dataclass(frozen=True)
class RunningService:
    """A service as the ready-file and the terminal show it. The password is known on the first start only."""

    id: str
    name: str
    port: int
    username: str
    password: Secret | None = None
    wanted: str = "running"


def known_services(desired_state: Path, plan: PortPlan) -> list[RunningService]:
    """The services that the agent was last told of, in the order of their ports; none before the first."""
    try:
        kept = json.loads(desired_state.read_bytes())
        desired = json.loads(kept["desired"])
        documents = [entry["document"] for entry in desired["documents"] if entry["kind"] == "service"]
        services = [
            RunningService(
                id=str(document["id"]),
                name=str(document["name"]),
                port=plan.service(int(document["slot"])),
                username=str(document["username"]),
                wanted=str(document["state"]),
            )
            for document in documents
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted((service for service in services if service.wanted != "deleted"), key=lambda service: service.port)


def ready_document(
    settings: UpSettings, report: ControlReport, services: Iterable[RunningService], pids: Mapping[str, int]
) -> dict[str, Json]:
    """The document that scripts rely on."""
    plan = settings.plan
    return {
        "api_url": url(plan.api),
        "console_url": url(plan.console),
        "queries_url": url(plan.queries),
        "ca_file": str(settings.ca_file),
        "organization_id": report.organization_id,
        "admin_email": report.admin_email,
        "login_url": revealed(report.login_url),
        "api_key_id": revealed(report.api_key_id),
        "api_key_secret": revealed(report.api_key_secret),
        "services": [
            {
                "id": service.id,
                "name": service.name,
                "https_url": url(service.port),
                "native_host": None,  # the embedded engine cannot listen
                "native_port": None,
                "username": service.username,
                "password": revealed(service.password),
                "state_dir": str(settings.service_directory(service.id)),
            }
            for service in services
        ],
        "pids": dict(pids),
    }


def write_ready_file(path: Path, document: dict[str, Json]) -> None:
    """Write it in one step, readable by its owner only."""
    write_private(path, json.dumps(document, indent=2).encode() + b"\n")


def revealed(secret: Secret | None) -> str | None:
    """The text of a secret that is to be shown now, or None."""
    return None if secret is None else secret.reveal()
