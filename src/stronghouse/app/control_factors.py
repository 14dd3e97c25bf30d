"""The control plane's second factors, with the control plane's own key to seal them."""

from pathlib import Path

from stronghouse.access.factors.passkeys import RelyingParty
from stronghouse.access.factors.proving import FORM, SecondFactors
from stronghouse.app.control_secrets import CONTROL_KEY_SUFFIX
from stronghouse.keys.key_file import load_or_create_keys
from stronghouse.keys.sealing import Sealer


def open_factors(machine_key: Path, *, console_url: str) -> SecondFactors:
    """The second factors of a console at this address; raises KeyFileUnusable for a key file that cannot be used."""
    roots = load_or_create_keys(machine_key.with_name(machine_key.name + CONTROL_KEY_SUFFIX))
    return SecondFactors(Sealer(FORM, roots), RelyingParty.of(console_url))
