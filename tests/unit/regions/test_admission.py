"""Who may be an agent: tokens, certificates, names. Over real TLS this is tested again in tests/integration/agent."""

import ssl
from datetime import timedelta

import pytest
from sqlalchemy import select

from stronghouse.access import certificates
from stronghouse.audit import store as audit_store
from stronghouse.kernel.errors import Denied, Invalid, NotFound, Unauthenticated
from stronghouse.kernel.secret import Secret
from stronghouse.regions import admission, store
from stronghouse.regions.admission import Admitted
from stronghouse.regions.join_token import parse_token
from tests.unit.regions.conftest import CONTEXT, REGION, Ground


def mint(ground: Ground) -> Secret:
    with ground.audit.unit_of_work(CONTEXT) as uow:
        return admission.mint_join_token(
            uow, region_id=REGION, edge_ca_pem=ground.edge_ca.certificate_pem, now=ground.clock.now()
        )


def redeem(ground: Ground, token: Secret, request: bytes) -> Admitted:
    with ground.audit.unit_of_work(CONTEXT) as uow:
        return admission.redeem(
            uow, token=token, request_pem=request, agents_ca=ground.agents_ca, now=ground.clock.now()
        )


def request(name: str = "agent") -> bytes:
    return certificates.new_key_and_request(name)[1]


def admit(ground: Ground, certificate: bytes) -> str:
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    with ground.audit.database.read() as connection:
        return admission.admit(
            connection, certificate_der=der, certificate_fingerprint=certificates.fingerprint(certificate)
        ).id


def test_the_secret_of_a_token_is_stored_nowhere(ground: Ground) -> None:
    secret = parse_token(mint(ground)).secret.reveal()
    with ground.audit.database.read() as connection:
        rows = str(connection.execute(select(store.join_token)).all())
        bodies = "".join(entry.body for entry in audit_store.entries(connection))
    assert secret not in rows + bodies


def test_a_token_holds_for_ten_minutes_and_not_a_moment_longer(ground: Ground) -> None:
    token = mint(ground)
    ground.clock.advance(timedelta(minutes=10) - timedelta(microseconds=1))
    redeem(ground, token, request())
    token = mint(ground)
    ground.clock.advance(timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        redeem(ground, token, request())


def test_a_token_is_bound_to_the_first_request(ground: Ground) -> None:
    token, mine = mint(ground), request()
    first = redeem(ground, token, mine)
    assert redeem(ground, token, mine).agent.id == first.agent.id
    with pytest.raises(Unauthenticated):
        redeem(ground, token, request())


def test_a_refused_request_does_not_spend_the_token(ground: Ground) -> None:
    token = mint(ground)
    with pytest.raises(Invalid):
        redeem(ground, token, b"not a request")
    redeem(ground, token, request())


def test_the_name_in_the_request_is_ignored(ground: Ground) -> None:
    admitted = redeem(ground, mint(ground), request("api.example.com"))
    der = ssl.PEM_cert_to_DER_cert(admitted.certificate_pem.decode())
    assert certificates.common_name(der) == admitted.agent.id


def test_an_agent_that_was_replaced_cannot_come_back_with_its_spent_token(ground: Ground) -> None:
    token, mine = mint(ground), request()
    redeem(ground, token, mine)
    redeem(ground, mint(ground), request())
    with pytest.raises(Unauthenticated):
        redeem(ground, token, mine)


@pytest.mark.parametrize(
    "text", ["", "sh_join_", "sh_join_0_0_0", "sh_join_" + "0" * 16 + "_" + "A" * 64 + "_" + "0" * 64, "x" * 1000]
)
def test_other_text_is_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_token(Secret(text))


def test_only_the_current_and_the_next_certificate_are_admitted(ground: Ground) -> None:
    first = redeem(ground, mint(ground), request())
    assert admit(ground, first.certificate_pem) == first.agent.id
    with ground.audit.unit_of_work(CONTEXT) as uow:
        second = admission.renew(uow, agent_id=first.agent.id, request_pem=request(), agents_ca=ground.agents_ca)
    assert admit(ground, first.certificate_pem) == admit(ground, second.certificate_pem) == first.agent.id
    stray = ground.agents_ca.sign_client(request(), common_name=first.agent.id, lifetime=timedelta(days=1))
    with pytest.raises(Unauthenticated):
        admit(ground, stray)


def test_a_revoked_agent_gets_nothing(ground: Ground) -> None:
    admitted = redeem(ground, mint(ground), request())
    with ground.audit.unit_of_work(CONTEXT) as uow:
        admission.revoke(uow, agent_id=admitted.agent.id, reason="test", now=ground.clock.now())
    with pytest.raises(Unauthenticated):
        admit(ground, admitted.certificate_pem)
    with pytest.raises(Unauthenticated), ground.audit.unit_of_work(CONTEXT) as uow:
        admission.renew(uow, agent_id=admitted.agent.id, request_pem=request(), agents_ca=ground.agents_ca)
    with pytest.raises(Unauthenticated), ground.audit.unit_of_work(CONTEXT) as uow:
        admission.sign_serving(uow, agent_id=admitted.agent.id, request_pem=request(), edge_ca=ground.edge_ca)
    with pytest.raises(NotFound), ground.audit.unit_of_work(CONTEXT) as uow:
        admission.revoke(uow, agent_id=admitted.agent.id, reason="again", now=ground.clock.now())


@pytest.mark.parametrize("names", [[], ["localhost", "example.com"], ["*.example.com"], ["127.0.0.2"], ["::2"]])
def test_an_edge_gets_no_certificate_for_other_names(ground: Ground, names: list[str]) -> None:
    admitted = redeem(ground, mint(ground), request())
    wanted = certificates.new_key_and_request("localhost", names)[1]
    with pytest.raises(Denied), ground.audit.unit_of_work(CONTEXT) as uow:
        admission.sign_serving(uow, agent_id=admitted.agent.id, request_pem=wanted, edge_ca=ground.edge_ca)
