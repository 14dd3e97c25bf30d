"""The secrets of a first start, kept until they have been shown.

They exist once: in the control plane's first report. If the machine loses power between that report and the moment
its user sees it, nobody could ever sign in. So they wait beside the machine key, outside the state directory, in a
file of its owner's, which goes as soon as they were shown.
"""

import dataclasses
import json
from pathlib import Path

from stronghouse.app.supervisor_report import ControlReport
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.files import is_private, private_directory, write_private
from stronghouse.kernel.secret import Secret

FIELDS = ("login_url", "api_key_id", "api_key_secret")


class FirstStart:
    """What has still to be shown to whoever started this installation. One for each organization."""

    def __init__(self, machine_key_file: Path, organization_id: str) -> None:
        self._path = machine_key_file.with_name(f"{machine_key_file.name}.first-start-{organization_id}")

    def complete(self, report: ControlReport) -> ControlReport:
        """The report with the secrets of an interrupted first start; keeps those of this one.

        Afterwards `report.api_key_secret` tells whether anything has still to be shown.
        """
        if report.api_key_secret is not None:
            self._keep(report)
            return report
        kept = self._kept()
        return dataclasses.replace(
            report,
            login_url=kept.get("login_url"),
            api_key_id=kept.get("api_key_id"),
            api_key_secret=kept.get("api_key_secret"),
        )

    def shown(self) -> None:
        """Forget them."""
        self._path.unlink(missing_ok=True)

    def _keep(self, report: ControlReport) -> None:
        secrets = {name: getattr(report, name) for name in FIELDS}
        texts = {name: secret.reveal() for name, secret in secrets.items() if secret is not None}
        if not self._path.parent.exists():
            private_directory(self._path.parent)
        write_private(self._path, json.dumps(texts).encode())

    def _kept(self) -> dict[str, Secret]:
        try:
            texts = parse_json(self._path.read_bytes()) if is_private(self._path) else None
        except (FileNotFoundError, ValueError):
            return {}
        known = texts if isinstance(texts, dict) else {}
        return {name: Secret(value) for name, value in known.items() if name in FIELDS and isinstance(value, str)}
