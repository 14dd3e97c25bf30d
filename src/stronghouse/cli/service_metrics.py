"""`stronghouse service metrics`: how a service's engine does, in numbers."""

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.org import Filtered
from stronghouse.cli.resources import Organization, service_path
from stronghouse.cli.service import Name


def show_metrics(service: Name, filtered: Filtered = False, org: Organization = None) -> None:
    """A service's metrics in Prometheus' text format; of one that sleeps or is stopped, how it is and its limit."""
    with connect() as client:
        place = f"{service_path(client, org, service)}/prometheus"
        typer.echo(client.text(place, {"filtered_metrics": str(filtered).lower()}), nl=False)
