"""What a service does not have in this version: backups and private endpoints."""

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, service_path
from stronghouse.cli.service import Name


def list_backups(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """A service's backups. This version makes none."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/backups")
    if as_json:
        show_json(found)
        return
    rows = [(backup["id"], backup["status"], backup["startedAt"]) for backup in found]
    show_table(("ID", "STATUS", "STARTED"), rows, empty="There are no backups: this version makes none.")


def show_backup_configuration(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """When a service's backups are made. Nothing is configured in this version."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/backupConfiguration")
    if as_json:
        show_json(found)
    elif found:
        show_fields(found.items())
    else:
        remark("No backups are made.")


def show_private_endpoint(service: Name, org: Organization = None, as_json: Json = False) -> None:
    """What a private connection to a service would lead to: its own address."""
    with connect() as client:
        found = client.get(f"{service_path(client, org, service)}/privateEndpointConfig")
    if as_json:
        show_json(found)
    else:
        show_fields([("address", found["endpointServiceId"]), ("host", found["privateDnsHostname"])])
