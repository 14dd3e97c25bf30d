"""Signed heads: only the exact text that the log's own key signed passes."""

import base64

import pytest

from stronghouse.audit import checkpoint
from stronghouse.audit.checkpoint import Checkpoint, Ed25519Signer
from stronghouse.kernel.errors import Invalid

SIGNER = Ed25519Signer("stronghouse.example/log", bytes(range(32)))
HEAD = Checkpoint("stronghouse.example/log", 12, bytes(32))
NOTE = checkpoint.sign(HEAD, SIGNER)


def check(note: str, *, origin: str = SIGNER.origin, public_key: bytes = SIGNER.public_key) -> Checkpoint:
    return checkpoint.verify(note, origin=origin, public_key=public_key)


def test_a_signed_head_verifies_and_has_the_form_of_c2sp() -> None:
    assert check(NOTE) == HEAD
    assert NOTE.startswith(
        f"stronghouse.example/log\n12\n{base64.b64encode(bytes(32)).decode()}\n\n\u2014 stronghouse.example/log "
    )


def test_every_changed_character_is_noticed() -> None:
    for position, character in enumerate(NOTE[:-1]):
        changed = NOTE[:position] + ("A" if character != "A" else "B") + NOTE[position + 1 :]
        with pytest.raises(Invalid):
            check(changed)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        NOTE.replace("\n12\n", "\n 12\n"),
        NOTE.replace("\n12\n", "\n1_2\n"),
        NOTE.replace("\n12\n", "\n12\nextension\n"),
        NOTE.split("\n\n")[0],
    ],
)
def test_other_forms_are_refused(note: str) -> None:
    with pytest.raises(Invalid):
        check(note)


def test_another_key_and_another_origin_are_refused() -> None:
    other = Ed25519Signer(SIGNER.origin, bytes(32))
    with pytest.raises(Invalid):
        check(checkpoint.sign(HEAD, other))
    with pytest.raises(Invalid):
        check(NOTE, origin="another.log")


def test_a_second_signature_line_by_someone_else_does_no_harm() -> None:
    witness = Ed25519Signer("witness.example", bytes(32))
    line = checkpoint.sign(Checkpoint("witness.example", 1, b""), witness).splitlines()[-1]
    assert check(NOTE + line + "\n") == HEAD


def test_a_verifier_key_reads_back_and_a_damaged_one_is_refused() -> None:
    text = checkpoint.verifier_key(SIGNER.origin, SIGNER.public_key)
    assert checkpoint.parse_verifier_key(text) == (SIGNER.origin, SIGNER.public_key)
    for damaged in ("", "name", text[:-4], text.replace("+", "+0", 1)):
        with pytest.raises(Invalid):
            checkpoint.parse_verifier_key(damaged)
