import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.caller import Peer
from stronghouse.worker.naming import with_real_names
from tests.unit.worker.people import ALICE_ID, INNER_ID, READER_ID, WRITER_ID, caller


def test_roles_within_roles_are_in_force() -> None:
    found = caller()
    assert found.enabled == {READER_ID, INNER_ID}
    assert found.engine_roles == (f"u_{ALICE_ID}", f"r_{READER_ID}", f"r_{INNER_ID}")
    assert found.role_names == ("reader",)


def test_only_granted_roles_can_be_taken() -> None:
    assert caller().with_roles(["writer"]).enabled == {WRITER_ID}
    assert caller().with_roles([]).engine_roles == (f"u_{ALICE_ID}",)
    for name, code in (("inner", 512), ("unknown", 511)):
        with pytest.raises(DatabaseError) as refused:
            caller().with_roles([name])
        assert refused.value.number == code


def test_a_peer_is_what_the_edge_says() -> None:
    peer = Peer.of({"x-sh-client-ip": "192.0.2.1", "x-sh-client-port": "40000", "x-sh-tls-version": "TLSv1.3"})
    assert (peer.address, peer.port, peer.tls_version) == ("192.0.2.1", 40000, "TLSv1.3")
    assert Peer.of({"x-sh-client-port": "many"}).port == 0


@pytest.mark.parametrize(
    ("engines", "clients"),
    [
        ("default: Not enough privileges.", "alice: Not enough privileges."),
        (f"role r_{READER_ID} and user d_{ALICE_ID}", "role reader and user alice"),
        (f"x_r_{READER_ID} u_{'e' * 16}", f"x_r_{READER_ID} u_{'e' * 16}"),
        ("SELECT ON _stronghouse.query_log", "SELECT ON system.query_log"),
    ],
)
def test_errors_have_real_names(engines: str, clients: str) -> None:
    assert with_real_names(engines, caller()) == clients
