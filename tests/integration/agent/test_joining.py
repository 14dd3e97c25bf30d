"""Joining over real TLS: what a token buys, and what it does not."""

from datetime import timedelta
from pathlib import Path

import pytest

from stronghouse.access.certificates import CertificateAuthority, Purpose, fingerprint
from stronghouse.agent.identity import IdentityStore, join
from stronghouse.kernel.errors import Denied, Unauthenticated, Unavailable
from stronghouse.kernel.files import private_directory
from stronghouse.kernel.secret import Secret
from tests.integration.agent.agent_side import joined
from tests.integration.agent.control_side import REGION, ControlSide


def store(path: Path) -> IdentityStore:
    return IdentityStore(private_directory(path))


async def test_a_token_makes_one_agent_whose_identity_survives_a_restart(control: ControlSide, tmp_path: Path) -> None:
    identity = await joined(control, tmp_path / "a")
    assert identity.region == REGION
    kept = store(tmp_path / "a").load(control.clock.now())
    assert kept is not None
    assert kept.certificate_pem == identity.certificate_pem
    assert [agent.id for agent in control.agents()] == [identity.agent_id]
    assert [event["agent_id"] for event in control.events("agent.join")] == [identity.agent_id]
    for file in (tmp_path / "a").iterdir():
        assert file.stat().st_mode & 0o077 == 0


async def test_a_token_is_spent_by_its_first_use(control: ControlSide, tmp_path: Path) -> None:
    token = control.token()
    await join(control.url, token, store(tmp_path / "a"))
    with pytest.raises(Unauthenticated):
        await join(control.url, token, store(tmp_path / "b"))
    assert len(control.agents()) == 1
    assert control.events("agent.join_denied") == [{"reason": "used"}]


async def test_an_agent_that_lost_the_answer_joins_again_with_the_same_key(
    control: ControlSide, tmp_path: Path
) -> None:
    token, kept = control.token(), store(tmp_path / "a")
    request = (kept.join_request(), (tmp_path / "a" / "join.json").read_bytes())[1]
    first = await join(control.url, token, kept)
    # As after a crash between the control plane's commit and the agent's: only the request is on disk.
    for file in (tmp_path / "a").iterdir():
        file.unlink()
    (tmp_path / "a" / "join.json").write_bytes(request)
    again = await join(control.url, token, kept)
    assert again.agent_id == first.agent_id
    assert len(control.agents()) == 1


async def test_an_expired_token_is_refused(control: ControlSide, tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        await join(control.url, control.token(age=timedelta(minutes=10)), store(tmp_path / "a"))
    assert control.agents() == []


async def test_a_guessed_secret_is_refused_with_the_same_sentence(control: ControlSide, tmp_path: Path) -> None:
    kind, word, token_id, _, authority = control.token().reveal().split("_")
    guess = Secret("_".join([kind, word, token_id, "0" * 64, authority]))
    with pytest.raises(Unauthenticated) as wrong:
        await join(control.url, guess, store(tmp_path / "a"))
    with pytest.raises(Unauthenticated) as unknown:
        await join(control.url, Secret(f"sh_join_{'0' * 16}_{'0' * 64}_{authority}"), store(tmp_path / "a"))
    assert str(wrong.value) == str(unknown.value)


async def test_a_listener_of_another_authority_never_sees_the_token(control: ControlSide, tmp_path: Path) -> None:
    other = CertificateAuthority.create("other", purpose=Purpose.SERVER, clock=control.clock)
    parts = control.token().reveal().split("_")
    token = Secret("_".join([*parts[:-1], fingerprint(other.certificate_pem)]))
    with pytest.raises(Denied, match="another installation"):
        await join(control.url, token, store(tmp_path / "a"))
    assert control.events("agent.join_denied") == []


async def test_a_second_agent_takes_the_first_ones_place(control: ControlSide, tmp_path: Path) -> None:
    first = await joined(control, tmp_path / "a")
    second = await joined(control, tmp_path / "b")
    assert [agent.id for agent in control.agents()] == [second.agent_id]
    assert [event["agent_id"] for event in control.events("agent.revoke")] == [first.agent_id]


async def test_an_absent_control_plane_can_be_tried_again(control: ControlSide, tmp_path: Path) -> None:
    token, url = control.token(), control.url
    await control.stop()
    with pytest.raises(Unavailable):
        await join(url, token, store(tmp_path / "a"))
