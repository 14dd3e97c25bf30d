"""What the edge refuses before it looks at a request, and which name may be asked for where."""

import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from stronghouse.access.certificates import fingerprint
from tests.integration.edge.conftest import Site, certificate

REFUSED = (ssl.SSLError, ConnectionError, EOFError)


def _old(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], None]:
    def change(context: ssl.SSLContext) -> None:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version

    return change


def _weak_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("weaken", "reason"),
    [
        (_old(ssl.TLSVersion.TLSv1), "UNSUPPORTED_PROTOCOL"),
        (_old(ssl.TLSVersion.TLSv1_1), "UNSUPPORTED_PROTOCOL"),
        (_weak_cipher, "NO_SHARED_CIPHER"),
    ],
)
async def test_old_protocols_and_ciphers_are_refused_and_logged(
    site: Site, weaken: Callable[[ssl.SSLContext], None], reason: str
) -> None:
    context = ssl.create_default_context(cadata=site.authority.certificate_pem.decode())
    weaken(context)
    with pytest.raises(REFUSED):
        await site.client("a", tls=context)
    (line,) = await site.log()
    assert line["kind"] == "connection"
    assert line["client_ip"] == "127.0.0.1"
    assert reason in str(line["tls_failure"])


async def test_tls_1_2_and_1_3_are_spoken(site: Site) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cadata=site.authority.certificate_pem.decode())
        context.minimum_version = context.maximum_version = version
        assert (await (await site.client("a", tls=context)).request()).status == 200


async def test_http_2_is_offered(site: Site) -> None:
    context = ssl.create_default_context(cadata=site.authority.certificate_pem.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = await site.client("a", tls=context)
    assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"


async def test_unknown_and_missing_server_names_and_plain_http_are_refused_and_logged(site: Site) -> None:
    for name in ("other.example", "127.0.0.1"):  # for an address, clients send no server name at all
        with pytest.raises(REFUSED):
            await site.client("a", server_name=name)
    plain = await site.client("a", tls=None)
    with pytest.raises(REFUSED):
        await plain.request()
    lines = await site.log()
    assert [line["server_name"] for line in lines] == ["other.example", None, None]
    assert {line["flags"] for line in lines} == {"NR"}
    assert site.a.connections == 0


async def test_host_of_another_service_is_refused_on_this_port(site: Site) -> None:
    client = await site.client("a")
    for host in (
        f"localhost:{site.port('b')}",
        "localhost",
        "evil.example",
        f"localhost:{site.port('a')}.evil.example",
    ):
        answer = await client.request(headers={"Host": host})
        assert answer.status == 421, host
    assert (await client.request(headers={"Host": f"LocalHost:{site.port('a')}"})).status == 200
    assert site.b.connections == 0


async def test_open_access_list_does_not_loosen_the_pins(site: Site) -> None:
    await site.change(replace(site.hosts["b"], allow=None))
    client = await site.client("a")
    assert (await client.request(headers={"Host": f"localhost:{site.port('b')}"})).status == 421
    assert site.b.connections == 0


async def test_names_that_share_a_port_are_told_apart_by_server_name_and_host_together(site: Site) -> None:
    port = site.port("a")
    names = {"a": "localhost", "b": "ip6-localhost"}
    # Adding a name to a port must not disturb those who use it already.
    early = await site.client(port)
    await early.send("/stream")
    await site.change(replace(site.hosts["b"], port=port, server_name=names["b"], hosts=(f"{names['b']}:{port}",)))
    lax = ssl.create_default_context(cadata=site.authority.certificate_pem.decode())
    lax.check_hostname = False
    for asked, name in names.items():
        client = await site.client(port, tls=lax, server_name=name)
        answer = await client.request(headers={"Host": f"{name}:{port}"})
        assert (answer.status, f'"name": "{asked}"' in answer.body.decode()) == (200, True)
        other = next(each for each in names.values() if each != name)
        assert (await client.request(headers={"Host": f"{other}:{port}"})).status == 421
    assert (await early.answer()).body.endswith(b"0059")


async def test_new_certificate_is_shown_without_a_restart(site: Site) -> None:
    running = await site.client("a")
    await running.request()
    pem, key = certificate(site.authority)
    await site.edge.set_certificate(pem, key)
    fresh = await site.client("a")
    shown = fresh.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert fingerprint(ssl.DER_cert_to_PEM_cert(shown).encode()) == fingerprint(pem)
    assert (await running.request()).status == 200
