"""What happens to a request on its way to a worker, and what is written about it."""

import json
import ssl
from dataclasses import replace

import pytest

from tests.integration.edge.conftest import Site

FORGED = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Real-IP",
    "Forwarded",
    "X-SH-Client-IP",
    "X-SH-Client-Port",
    "X-SH-TLS-Version",
    "x-sh-tls-cipher",
    "X-SH-TLS-Session",
    "x-sh-service",
    "X-Sh-Anything",
    "X-Envoy-External-Address",
    "X-Envoy-Internal",
    "X-Envoy-Upstream-Rq-Timeout-Ms",
    "X-Envoy-Retry-On",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-URL",
    "Proxy",
)
TOLD = {"x-sh-client-ip", "x-sh-client-port", "x-sh-tls-version", "x-sh-tls-cipher"}


async def test_client_address_cannot_be_forged(site: Site) -> None:
    client = await site.client("a")
    answer = await client.request(headers=dict.fromkeys(FORGED, "6.6.6.6"))
    arrived = json.loads(answer.body)["headers"]
    assert arrived["x-sh-client-ip"] == "127.0.0.1"
    assert "6.6.6.6" not in arrived.values()
    assert arrived.get("x-forwarded-proto") == "https"
    six = await site.client("a", source="::1", address="::1")
    assert json.loads((await six.request()).body)["headers"]["x-sh-client-ip"] == "::1"


async def test_worker_is_told_of_the_connection_whatever_the_client_claims(site: Site) -> None:
    newest, older = (ssl.create_default_context(cadata=site.authority.certificate_pem.decode()) for _ in range(2))
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    older.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    for context, version in ((newest, "TLSv1.3"), (older, "TLSv1.2")):
        client = await site.client("a", tls=context)
        cipher, _, _ = client.writer.get_extra_info("cipher")
        _, port = client.writer.get_extra_info("sockname")
        # The second goes over the same connection, so it comes from the same port.
        for claims in ({}, dict.fromkeys(FORGED, "6.6.6.6"), {"X-SH-TLS-Version": "", "X-SH-Client-Port": ""}):
            arrived = json.loads((await client.request(headers=claims)).body)["headers"]
            assert {name: value for name, value in arrived.items() if name.startswith("x-sh-")} == {
                "x-sh-client-ip": "127.0.0.1",
                "x-sh-client-port": str(port),
                "x-sh-tls-version": version,
                "x-sh-tls-cipher": cipher,
            }


async def test_client_that_sends_our_headers_twice_adds_nothing(site: Site) -> None:
    client = await site.client("a")
    twice = "".join(f"{name}: 6.6.6.6\r\n{name.upper()}: 6.6.6.6\r\n" for name in sorted(TOLD))
    client.writer.write(f"GET / HTTP/1.1\r\nHost: localhost:{site.port('a')}\r\n{twice}\r\n".encode())
    answer = await client.answer()
    assert answer.status == 200
    assert "6.6.6.6" not in answer.body.decode()
    assert json.loads(answer.body)["headers"].keys() >= TOLD


@pytest.mark.parametrize("name", sorted(TOLD))
async def test_look_alike_header_with_underscores_is_rejected(site: Site, name: str) -> None:
    client = await site.client("a")
    assert (await client.request(headers={name.replace("-", "_"): "6.6.6.6"})).status == 400
    assert site.a.requests == 0


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Host: localhost\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ],
)
async def test_ambiguous_requests_are_refused(site: Site, smuggled: bytes) -> None:
    client = await site.client("a")
    client.writer.write(f"POST / HTTP/1.1\r\nHost: localhost:{site.port('a')}\r\n".encode() + smuggled)
    status, _, _ = await client.head()
    assert 400 <= status < 500 or status == 501
    assert site.a.requests == 0


async def test_cookies_are_stripped_both_ways_where_asked(site: Site) -> None:
    await site.change(replace(site.hosts["b"], strip_cookies=False))
    stripped = await (await site.client("a")).request(headers={"Cookie": "session=1"})
    assert "cookie" not in json.loads(stripped.body)["headers"]
    assert "set-cookie" not in stripped.headers
    kept = await (await site.client("b")).request(headers={"Cookie": "session=1"})
    assert json.loads(kept.body)["headers"]["cookie"] == "session=1"
    assert kept.raw.lower().count("set-cookie") == 2


async def test_security_headers_are_added_without_hsts_for_localhost(site: Site) -> None:
    await site.change(replace(site.hosts["b"], security_headers=False))
    headers = (await (await site.client("a")).request()).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer", "the worker's own choice stands"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert not {name for name in headers if name.startswith("x-envoy")}
    bare = (await (await site.client("b")).request()).headers
    assert "x-content-type-options" not in bare


async def test_access_log_tells_who_and_what_but_no_query_string_or_credential(site: Site) -> None:
    client = await site.client("a")
    secret = {
        "Authorization": "Basic CANARY",
        "X-ClickHouse-Key": "CANARY",
        "Cookie": "s=CANARY",
        "X-Api-Key": "CANARY",
        "Referer": "https://localhost/?CANARY",
    }
    path = "/path?user=u&password=CANARY&query=SELECT%20CANARY"
    assert (await client.request(path, headers=secret)).status == 200
    denied = await site.client("a", source="127.0.0.5")
    assert (await denied.request("/denied?password=CANARY", headers=secret)).status == 403
    absolute = await site.client("a")
    await absolute.request(f"https://user:CANARY@localhost:{site.port('a')}/absolute?CANARY")
    lines = await site.log()
    assert [(line["path"], line["status"], line["client_ip"]) for line in lines] == [
        ("/path", 200, "127.0.0.1"),
        ("/denied", 403, "127.0.0.5"),
        ("/absolute", 200, "127.0.0.1"),
    ]
    assert {line["service"] for line in lines} == {"service-a"}
    written = b"".join(file.read_bytes() for file in site.log_directory.iterdir())
    assert b"CANARY" not in written
    assert (site.log_directory / "edge-access.log").stat().st_mode & 0o077 == 0


async def test_body_limit_answers_413_and_web_sockets_pass_by_it(site: Site) -> None:
    await site.change(replace(site.hosts["a"], max_request_bytes=1000))
    answer = await (await site.client("a")).request(method="POST", body=b"x" * 1001)
    assert answer.status == 413
    client = await site.client("a")
    assert (await client.request(method="POST", body=b"x" * 1000)).status == 200
    chunked = await site.client("a")
    await chunked.send(method="POST", headers={"Transfer-Encoding": "chunked"})
    chunked.writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n")
    assert (await chunked.answer()).status == 413
    await client.send("/ws", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (await client.head())[0] == 101
    for _ in range(3):
        client.writer.write(b"ping" * 500)
        assert await client.reader.readexactly(2000) == b"ping" * 500


async def test_header_flood_is_refused(site: Site) -> None:
    for headers in ({"X-Long": "x" * 140_000}, {f"X-{number}": "1" for number in range(120)}):
        client = await site.client("a")
        assert (await client.request(headers=headers)).status == 431
    assert site.a.requests == 0
