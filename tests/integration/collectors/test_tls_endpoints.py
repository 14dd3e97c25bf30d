"""The TLS probe tells good servers from bad ones, by handshakes with both."""

import socket
import ssl
import time
from datetime import timedelta

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose
from stronghouse.kernel.clock import FixedClock, SystemClock
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint, collect_tls_endpoints
from stronghouse.responsibility.collectors.tls_hello import VERSIONS, Outcome, offer_version
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Result, ResultState
from tests.integration.collectors.conftest import ServeTls, server_context, speak_tls

CHECKS = load_catalogue().checks


def _look(port: int, authority: CertificateAuthority, *, host: str = "localhost") -> Facts:
    seen = collect_tls_endpoints(
        [TlsEndpoint(host, port, ("127.0.0.1",))],
        authority_pem=authority.certificate_pem.decode(),
        target="a test",
        clock=SystemClock(),
        timeout=2,
    )
    return Facts.from_json(seen.to_json())


def _judge(check_id: str, seen: Facts) -> Result:
    (result,) = evaluate(CHECKS[check_id], seen)
    return result


def _permissive(authority: CertificateAuthority, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    context = server_context(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = lowest
    if highest < ssl.TLSVersion.TLSv1_2:
        with pytest.warns(DeprecationWarning, match="deprecated"):
            context.maximum_version = highest
    else:
        context.maximum_version = highest
    return context


def test_modern_server_passes_every_check(authority: CertificateAuthority, serve: ServeTls) -> None:
    seen = _look(serve(speak_tls(server_context(authority))), authority)
    tls = [check_id for check_id, check in CHECKS.items() if check.meta.collector == "tls_endpoints"]
    assert len(tls) == 4
    assert {check_id: _judge(check_id, seen).state for check_id in tls} == dict.fromkeys(tls, ResultState.PASS)
    versions = seen.resources[0].part("versions")
    assert versions.part("1.0").text("detail") == versions.part("1.1").text("detail") == "alert 70"
    assert seen.resources[0].part("handshake").texts("names") == ["localhost"]


def test_server_that_still_speaks_old_versions_is_found(authority: CertificateAuthority, serve: ServeTls) -> None:
    context = _permissive(authority, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3)
    seen = _look(serve(speak_tls(context)), authority)
    result = _judge("tls_versions_modern", seen)
    assert result.state is ResultState.FAIL
    assert "TLS 1.0 is accepted" in result.reason
    assert "TLS 1.1 is accepted" in result.reason


@pytest.mark.parametrize("only", ["1.1", "1.2", "1.3"])
def test_each_version_is_told_apart(authority: CertificateAuthority, serve: ServeTls, only: str) -> None:
    version = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[only]
    context = server_context(authority)
    if only == "1.1":
        context = _permissive(authority, version, version)
    else:
        context.minimum_version = context.maximum_version = version
    port = serve(speak_tls(context))
    answers = {
        offered: offer_version("127.0.0.1", port, server_name="localhost", version=offered, timeout=2).outcome
        for offered in VERSIONS
    }
    assert answers == {offered: Outcome.ACCEPTED if offered == only else Outcome.REFUSED for offered in VERSIONS}


def test_foreign_authority_and_wrong_name_are_refused(authority: CertificateAuthority, serve: ServeTls) -> None:
    foreign = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=SystemClock())
    for context in (server_context(foreign), server_context(authority, names=("elsewhere.example",))):
        seen = _look(serve(speak_tls(context)), authority)
        assert _judge("tls_certificate_trusted", seen).state is ResultState.FAIL
        # What is shown is still known, so expiry is told apart from distrust.
        assert _judge("tls_certificate_fresh", seen).state is ResultState.PASS


def test_expired_certificate_is_found_by_both_checks(serve: ServeTls) -> None:
    past = FixedClock(SystemClock().now() - timedelta(days=40))
    old = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=past)
    seen = _look(serve(speak_tls(server_context(old, days=30))), old)
    assert "expired" in _judge("tls_certificate_trusted", seen).reason
    assert _judge("tls_certificate_fresh", seen).state is ResultState.FAIL


def test_certificate_near_its_end_is_found_while_it_still_verifies(serve: ServeTls) -> None:
    past = FixedClock(SystemClock().now() - timedelta(days=25))
    old = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=past)
    seen = _look(serve(speak_tls(server_context(old, days=30))), old)
    assert _judge("tls_certificate_trusted", seen).state is ResultState.PASS
    assert _judge("tls_certificate_fresh", seen).state is ResultState.FAIL


def test_plain_http_server_is_found(authority: CertificateAuthority, serve: ServeTls) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    seen = _look(serve(answer), authority)
    judged = {
        check_id: _judge(check_id, seen)
        for check_id, check in CHECKS.items()
        if check.meta.collector == "tls_endpoints"
    }
    assert {result.state for result in judged.values()} == {ResultState.FAIL}
    assert "plain text" in judged["tls_plaintext_refused"].reason


def test_closed_port_fails_unless_nothing_has_to_answer(authority: CertificateAuthority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for expected, state in ((True, ResultState.FAIL), (False, ResultState.NOT_APPLICABLE)):
        seen = collect_tls_endpoints(
            [TlsEndpoint("localhost", port, ("127.0.0.1",), "a1", expected)],
            authority_pem=authority.certificate_pem.decode(),
            target="a test",
            clock=SystemClock(),
        )
        assert _judge("tls_certificate_trusted", seen).state is state


def test_silent_server_costs_a_bounded_time_and_is_no_pass(authority: CertificateAuthority, serve: ServeTls) -> None:
    began = time.monotonic()
    seen = collect_tls_endpoints(
        [TlsEndpoint("localhost", serve(lambda _connection: time.sleep(3)), ("127.0.0.1",))],
        authority_pem=authority.certificate_pem.decode(),
        target="a test",
        clock=SystemClock(),
        timeout=0.2,
    )
    assert time.monotonic() - began < 2.5
    assert _judge("tls_versions_modern", seen).state is not ResultState.PASS
