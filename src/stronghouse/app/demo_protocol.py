"""What the supervisor and the demo's process tell each other over two pipes: a task, and lines of progress."""

import json
from dataclasses import dataclass
from typing import Self

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.secret import Secret

DEMO_SERVICE = "demo"


@dataclass(frozen=True)
class DemoTask:
    """What the demo is to fill: an installation and the key to its API."""

    api_url: str
    ca_file: str
    organization_id: str
    api_key_id: Secret
    api_key_secret: Secret

    def to_line(self) -> bytes:
        """One line for the pipe."""
        fields = {
            "api_url": self.api_url,
            "ca_file": self.ca_file,
            "organization_id": self.organization_id,
            "api_key_id": self.api_key_id.reveal(),
            "api_key_secret": self.api_key_secret.reveal(),
        }
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The task in a line."""
        fields: dict[str, str] = json.loads(line)
        return cls(
            api_url=fields["api_url"],
            ca_file=fields["ca_file"],
            organization_id=fields["organization_id"],
            api_key_id=Secret(fields["api_key_id"]),
            api_key_secret=Secret(fields["api_key_secret"]),
        )


@dataclass(frozen=True)
class DemoService:
    """The demo's service. Its password crosses the pipe once."""

    id: str
    name: str
    port: int
    username: str
    password: Secret


@dataclass(frozen=True)
class DemoProgress:
    """One thing that happened: `service` (it runs), `rows` (so many are in), `done`, or `failed`."""

    kind: str
    rows: int = 0
    total: int = 0
    reason: str = ""
    service: DemoService | None = None

    def to_line(self) -> bytes:
        """One line for the pipe."""
        fields: dict[str, Json] = {"kind": self.kind, "rows": self.rows, "total": self.total, "reason": self.reason}
        if self.service is not None:
            fields["service"] = {
                "id": self.service.id,
                "name": self.service.name,
                "port": self.service.port,
                "username": self.service.username,
                "password": self.service.password.reveal(),
            }
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The progress in a line; raises Internal when it is none."""
        try:
            fields = json.loads(line)
            service = fields.pop("service", None)
            if service is not None:
                service = DemoService(**{**service, "password": Secret(service["password"])})
            return cls(**fields, service=service)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Internal("The demo reported something malformed.", code="demo_report_malformed") from None
