"""Which installation to talk to and as whom: the environment first, then what `stronghouse auth login` stored."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stronghouse.kernel.errors import Invalid, Unauthenticated
from stronghouse.kernel.files import is_private, private_directory, write_private
from stronghouse.kernel.secret import Secret
from stronghouse.settings import environment
from stronghouse.settings.locations import configuration_directory


@dataclass(frozen=True)
class Credentials:
    """An API key and where it is used. `ca_file` is None where the system's authorities are to be trusted.

    Raises:
        Invalid: the URL is not https: an API key must not cross a network in the clear.
    """

    api_url: str
    key_id: str
    key_secret: Secret
    ca_file: Path | None

    def __post_init__(self) -> None:
        parts = urlsplit(self.api_url)
        if parts.scheme != "https" or not parts.hostname:
            raise Invalid(
                f"{self.api_url[:100]!r} is not an https URL as in https://localhost:8440.", code="api_url_invalid"
            )


def credentials_file() -> Path:
    """Where `auth login` stores them."""
    return configuration_directory() / "credentials.json"


def load_credentials() -> Credentials:
    """What the environment says, completed by what is stored.

    Raises:
        Unauthenticated: there are none, with what to do.
        Invalid: the stored ones are damaged or can be read by others.
    """
    stored = _stored(credentials_file())
    url = environment.variable(environment.API_URL) or stored.get("api_url")
    key_id = environment.variable(environment.KEY_ID) or stored.get("key_id")
    secret = environment.secret_variable(environment.KEY_SECRET) or _secret(stored.get("key_secret"))
    ca_file = environment.variable(environment.CA_FILE) or stored.get("ca_file")
    if url is None or key_id is None or secret is None:
        missing = [
            name
            for name, value in (
                (environment.API_URL, url),
                (environment.KEY_ID, key_id),
                (environment.KEY_SECRET, secret),
            )
            if value is None
        ]
        raise Unauthenticated(
            f"No credentials: run `stronghouse auth login`, or set {' and '.join(missing)}.", code="credentials_missing"
        )
    return Credentials(url, key_id, secret, Path(ca_file) if ca_file else None)


def store_credentials(credentials: Credentials) -> Path:
    """Keep them for later commands, readable by this user only; where."""
    path = credentials_file()
    private_directory(path.parent)
    fields = {
        "api_url": credentials.api_url,
        "key_id": credentials.key_id,
        "key_secret": credentials.key_secret.reveal(),
        "ca_file": None if credentials.ca_file is None else str(credentials.ca_file),
    }
    write_private(path, json.dumps(fields).encode())
    return path


def forget_credentials() -> bool:
    """Remove them; whether there were any."""
    path = credentials_file()
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


def _stored(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    if not is_private(path):
        raise Invalid(
            f"{path} can be read by other users; delete the key it holds and run `stronghouse auth login` again.",
            code="credentials_exposed",
        )
    try:
        fields = json.loads(path.read_bytes())
        return {str(name): str(value) for name, value in fields.items() if value is not None}
    except (ValueError, AttributeError):
        raise Invalid(f"{path} is damaged; run `stronghouse auth login` again.", code="credentials_damaged") from None


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
