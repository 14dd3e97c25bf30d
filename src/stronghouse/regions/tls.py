"""TLS between the planes: version 1.3 only, each side trusts one private authority and nothing else."""

import os
import ssl

from stronghouse.kernel.secret import Secret


def listener_context(*, certificate_pem: bytes, key_pem: Secret, agents_ca_pem: bytes) -> ssl.SSLContext:
    """The listener's side. A client certificate is optional, since /join has none; a bad one ends the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=agents_ca_pem.decode("ascii"))
    # A resumed session would skip the certificate's check: none is ever offered.
    context.num_tickets = 0
    load_key_pair(context, certificate_pem, key_pem)
    return context


def agent_context(*, edge_ca_pem: bytes) -> ssl.SSLContext:
    """The agent's side: the listener's chain must end in the edge's authority and its name must fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.load_verify_locations(cadata=edge_ca_pem.decode("ascii"))
    return context


def load_key_pair(context: ssl.SSLContext, certificate_pem: bytes, key_pem: Secret) -> None:
    """Show `certificate_pem` in handshakes from now on.

    OpenSSL reads keys from files only. This one lies in memory, has no name and is gone when this returns.
    """
    descriptor = os.memfd_create("key-pair", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(key_pem.reveal().encode("ascii") + certificate_pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
