"""The control plane's own keys: made on the first start, sealed at rest, never in the database.

Three of them: the audit log's signing key and the two certificate authorities. They are made before the database is,
so that a crash in between leaves nothing that refers to a key that is not there.
"""

from dataclasses import dataclass
from pathlib import Path

from stronghouse.access.certificates import CertificateAuthority, Purpose
from stronghouse.audit.checkpoint import Ed25519Signer
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Conflict
from stronghouse.kernel.files import write_private
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.keys.sealed import SealedStore

CONTROL_KEY_SUFFIX = ".control"


@dataclass(frozen=True)
class ControlSecrets:
    """What the control plane signs with."""

    signer: Ed25519Signer
    agents: CertificateAuthority
    edge: CertificateAuthority


def open_secrets(directory: Path, *, machine_key: Path, clock: Clock, begun: bool) -> ControlSecrets:
    """Load the keys below `directory`, making those that are missing; `begun` says that there is a log already.

    Raises:
        Invalid: a key file is exposed or damaged, or a sealed key was made under another key file.
    """
    key_file = machine_key.with_name(machine_key.name + CONTROL_KEY_SUFFIX)
    sealed = SealedStore(directory / "keys", key_file)
    return ControlSecrets(
        signer=_signer(sealed, begun=begun),
        agents=_authority(sealed, directory, "agents", Purpose.CLIENT, clock),
        edge=_authority(sealed, directory, "edge", Purpose.SERVER, clock),
    )


def _signer(sealed: SealedStore, *, begun: bool) -> Ed25519Signer:
    stored = sealed.load("audit")
    if stored is None and begun:
        raise Conflict("The audit log's key is gone, so the log cannot go on: restore keys/audit.sealed.")
    if stored is None:
        # The origin names this installation for ever; it is sealed with the key so that neither changes alone.
        stored = Secret(f"stronghouse.{new_id()} {Ed25519Signer.new_private_key().hex()}")
        sealed.save("audit", stored)
    origin, _, key = stored.reveal().partition(" ")
    return Ed25519Signer(origin, bytes.fromhex(key))


def _authority(sealed: SealedStore, directory: Path, name: str, purpose: Purpose, clock: Clock) -> CertificateAuthority:
    certificate = directory / f"ca-{name}.pem"
    key = sealed.load(f"ca-{name}")
    if key is not None and certificate.exists():
        return CertificateAuthority.load(certificate.read_bytes(), key, clock=clock)
    made = CertificateAuthority.create(f"Stronghouse {name} CA", purpose=purpose, clock=clock)
    sealed.save(f"ca-{name}", made.key_pem())
    write_private(certificate, made.certificate_pem)
    return made
