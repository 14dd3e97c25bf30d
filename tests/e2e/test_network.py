"""Who may reach what: access lists under traffic, names, protocols, sockets."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.stack import Service, Stack

IN_FORCE_SECONDS = 0.5


@pytest.fixture(scope="module")
def services(stack: Stack) -> tuple[Service, Service]:
    return stack.create_service("fenced"), stack.create_service("neighbour")


@contextmanager
def connection(stack: Stack, service: Service, source: str) -> Iterator[http.client.HTTPSConnection]:
    opened = http.client.HTTPSConnection(
        "localhost",
        service.port,
        context=ssl.create_default_context(cafile=stack.ca_file),
        timeout=20,
        source_address=(source, 0),
    )
    yield opened
    opened.close()


def ask(opened: http.client.HTTPSConnection, service: Service, sql: str = "SELECT 1") -> int:
    opened.request(
        "POST", "/", body=sql, headers={"X-ClickHouse-User": service.username, "X-ClickHouse-Key": service.password}
    )
    answer = opened.getresponse()
    answer.read()
    return answer.status


def test_an_access_list_change_is_in_force_at_once_and_disturbs_nobody_else(
    stack: Stack, services: tuple[Service, Service]
) -> None:
    fenced, neighbour = services
    problems: list[str] = []
    done = threading.Event()

    def stream() -> None:
        """A query of an allowed client that runs through both changes."""
        with connection(stack, fenced, "127.0.0.1") as opened:
            sql = "SELECT number, sleepEachRow(0.02) FROM numbers(200) SETTINGS max_block_size = 1 FORMAT TSV"
            opened.request(
                "POST",
                "/",
                body=sql,
                headers={"X-ClickHouse-User": fenced.username, "X-ClickHouse-Key": fenced.password},
            )
            rows = opened.getresponse().read().splitlines()
            if len(rows) != 200:
                problems.append(f"the stream was cut after {len(rows)} rows")

    def neighbour_traffic() -> None:
        with connection(stack, neighbour, "127.0.0.2") as opened:
            while not done.is_set():
                if ask(opened, neighbour) != 200:
                    problems.append("the other service's traffic was disturbed")
                time.sleep(0.02)

    threads = [threading.Thread(target=stream), threading.Thread(target=neighbour_traffic)]
    for thread in threads:
        thread.start()
    with connection(stack, fenced, "127.0.0.2") as kept_alive:
        assert ask(kept_alive, fenced) == 200
        for change, status in (
            ({"remove": [{"source": "127.0.0.0/8"}], "add": [{"source": "127.0.0.1"}]}, 403),
            ({"add": [{"source": "127.0.0.2"}]}, 200),
        ):
            stack.api("PATCH", f"/services/{fenced.id}", {"ipAccessList": change})
            answered = time.monotonic()
            while ask(kept_alive, fenced) != status:
                assert time.monotonic() - answered < IN_FORCE_SECONDS, f"still not {status}"
                time.sleep(0.01)
    threads[0].join()
    done.set()
    threads[1].join()
    assert problems == []


def test_an_ipv6_client_is_judged_by_its_own_address(stack: Stack, services: tuple[Service, Service]) -> None:
    fenced, _ = services
    context = ssl.create_default_context(cafile=stack.ca_file)

    def over_ipv6() -> int:
        with (
            socket.create_connection(("::1", fenced.port)) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            tls.sendall(f"GET /ping HTTP/1.1\r\nHost: localhost:{fenced.port}\r\nConnection: close\r\n\r\n".encode())
            return int(tls.recv(64).split()[1])

    stack.api("PATCH", f"/services/{fenced.id}", {"ipAccessList": {"remove": [{"source": "::1"}]}})
    stack.wait_until(lambda: over_ipv6() == 403)
    stack.api("PATCH", f"/services/{fenced.id}", {"ipAccessList": {"add": [{"source": "::1/128"}]}})
    stack.wait_until(lambda: over_ipv6() == 200)


def test_an_empty_list_keeps_everybody_out(stack: Stack) -> None:
    closed = stack.create_service("closed", ip_access=[])
    for source in ("127.0.0.1", "127.0.0.9"):
        with connection(stack, closed, source) as opened:
            assert ask(opened, closed) == 403


def every_port(stack: Stack, service: Service) -> list[int]:
    base = stack.port_base
    return [base, base + 1, base + 2, base + 3, service.port]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused_everywhere(
    stack: Stack, services: tuple[Service, Service], version: ssl.TLSVersion
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = version
    for port in every_port(stack, services[0]):
        with socket.create_connection(("127.0.0.1", port)) as raw, pytest.raises(ssl.SSLError) as refusal:
            context.wrap_socket(raw, server_hostname="localhost")
        # An alert or the end of the stream is the server's own word; a local refusal would prove nothing.
        assert any(word in str(refusal.value).upper() for word in ("ALERT", "EOF OCCURRED")), refusal.value


def test_unknown_names_foreign_hosts_and_plain_http_are_refused(
    stack: Stack, services: tuple[Service, Service]
) -> None:
    fenced, neighbour = services
    context = ssl.create_default_context(cafile=stack.ca_file)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for port in (stack.port_base, stack.port_base + 1, fenced.port):
        for name in ("other.example", None):
            with socket.create_connection(("127.0.0.1", port)) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(raw, server_hostname=name)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(f"GET /ping HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            with pytest.raises(ConnectionError):
                if not raw.recv(100):
                    raise ConnectionError
    with connection(stack, fenced, "127.0.0.1") as opened:
        for host in (f"localhost:{neighbour.port}", f"localhost:{stack.port_base}", "localhost", "example.com"):
            opened.request("GET", "/ping", headers={"Host": host})
            answer = opened.getresponse()
            assert answer.status in {403, 404, 421}, (host, answer.status)
            answer.read()


def test_a_client_cannot_claim_another_address(stack: Stack) -> None:
    fenced = stack.create_service("narrow", ip_access=[{"source": "127.0.0.1"}])
    headers = dict.fromkeys(
        ("X-Forwarded-For", "X-Real-IP", "X-Sh-Client-Ip", "Forwarded", "X-Envoy-External-Address"), "127.0.0.1"
    )
    with connection(stack, fenced, "127.0.0.77") as opened:
        opened.request("GET", "/ping", headers=headers)
        assert opened.getresponse().status == 403


def test_the_queries_host_answers_nobody_without_a_key(stack: Stack) -> None:
    opened = http.client.HTTPSConnection(
        "localhost", stack.port_base + 2, context=ssl.create_default_context(cafile=stack.ca_file), timeout=10
    )
    opened.request("POST", f"/service/{stack.organization_id}/run", body="{}")
    answer = opened.getresponse()
    assert answer.status == 401
    assert json.loads(answer.read())["error"].startswith("UNAUTHORIZED: ")
    opened.close()


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    listening = stack.listening_sockets()
    assert {port for _, port in listening} >= {
        stack.port_base,
        stack.port_base + 1,
        stack.port_base + 2,
        stack.port_base + 3,
    }
    assert {address for address, _ in listening} <= {"127.0.0.1", "::1"}
    assert all(stack.port_base <= port <= stack.port_base + 24 for _, port in listening)
