"""`stronghouse document` from an empty shelf to a reviewed document and back."""

from pathlib import Path

from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli

CONTENT = b"%PDF-1.7 schedule"


def test_files_reviews_saves_and_removes_a_document(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "schedule.pdf"
    path.write_bytes(CONTENT)
    assert "missing" in cli("document", "requests", "retention_schedule").out
    filed = cli("document", "file", "retention_schedule", str(path), "--date", "2026-11-01", "--json").json
    assert (filed["fileName"], filed["size"]) == ("schedule.pdf", len(CONTENT))
    assert cli("document", "review", filed["id"], "--note", "Read it.").code == 0
    (found,) = cli("document", "requests", "retention_schedule", "--json").json
    assert found["state"] == "in_order"
    assert "Read it." in cli("document", "get", filed["id"]).out
    assert filed["id"] in cli("document", "list").out
    saved = tmp_path / "saved.pdf"
    assert cli("document", "download", filed["id"], str(saved)).code == 0
    assert saved.read_bytes() == CONTENT
    again = cli("document", "download", filed["id"], str(saved))
    assert (again.code, "exists already" in again.err) == (1, True)
    assert cli("document", "remove", filed["id"], "--yes").code == 0
    assert cli("document", "list", "--json").json == []


def test_large_file_is_sent_with_progress(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(CONTENT * 200_000)
    filed = cli("document", "file", "retention_schedule", str(path), "--date", "2026-11-01", "--json").json
    assert filed["size"] == len(CONTENT) * 200_000


def test_hints_come_only_where_they_apply(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(CONTENT * 100_000)
    filed = cli("document", "file", "retention_schedule", str(path), "--date", "2026-11-01")
    assert filed.code == 0
    assert filed.err.startswith("It counts when it is reviewed: `stronghouse document review ")
    recorded = cli("document", "record", "member_review", "--note", "All are needed.", "--file", str(path))
    assert recorded.code == 0, recorded.err
    assert "reviewed" not in recorded.err


def test_unknown_request_is_said_to_be_none(cli: Cli) -> None:
    for options in ((), ("--json",)):
        refused = cli("document", "requests", "nope", *options)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith("Error: There is no document request 'nope'")


def test_records_a_review_without_a_file(cli: Cli) -> None:
    record = cli("document", "record", "member_review", "--note", "All members are needed.", "--json").json
    assert (record["date"], record["fileName"]) == ("2026-11-23", None)
    assert "member_review" not in cli("document", "requests", "--due").out


def test_declares_hosting(cli: Cli) -> None:
    assert cli("document", "hosting", "--json").json == [{"region": "local", "provider": None}]
    assert cli("document", "hosting", "local", "own", "--json").json == [{"region": "local", "provider": "own"}]
    half = cli("document", "hosting", "local")
    assert (half.code, "both" in half.err) == (1, True)


def test_bad_input_is_one_sentence(cli: Cli, tmp_path: Path, plane: Plane) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>")
    for arguments, word in (
        (("file", "playbooks", str(page), "--date", "2026-11-01"), "not taken"),
        (("file", "playbooks", str(tmp_path / "none.pdf"), "--date", "2026-11-01"), "cannot be read"),
        (("file", "playbooks", str(page)), "--date"),
        (("file", "playbooks", str(page), "--date", "soon"), "--date takes a date, as in"),
        (("file", "playbooks", str(page), "--date", "2026-11-01", "--valid-until", "x"), "--valid-until takes"),
        (("record", "member_review", "--note", "x", "--date", "2026-13-01"), "--date takes a date"),
        (("review", "nonsense", "--note", "x"), "document's id"),
        (("download", "5f0c7a51-2f3b-4a8c-9a53-0d7a3f0e9f11", str(tmp_path / "x")), "no such document"),
    ):
        result = cli("document", *arguments)
        assert (result.code, word in result.err) == (1, True), result.err
    assert not (tmp_path / "x").exists()
