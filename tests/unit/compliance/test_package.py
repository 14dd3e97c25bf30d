"""Making packages: what is in them, whose it is, and what happens when it goes wrong."""

import csv
import hashlib
import io
import json
import stat
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import update

from stronghouse.audit import store as audit
from stronghouse.compliance import actions, pdf, store
from stronghouse.compliance.builder import PackageBuilder
from stronghouse.compliance.collector import collect_packages
from stronghouse.compliance.model import PackageState, Sample
from stronghouse.compliance.report import render_html
from stronghouse.compliance.tables import CsvWriter
from stronghouse.kernel.errors import Conflict, Internal, Invalid, NotFound, TooMany
from stronghouse.kernel.ids import new_id
from stronghouse.responsibility import store as responsibility
from stronghouse.responsibility.documents.actions import file_document
from stronghouse.responsibility.documents.model import NewDocument
from stronghouse.responsibility.model import ResultState
from tests.support.control_plane import CONTEXT, NOW
from tests.unit.compliance.conftest import Audited, Built, checked, unpacked
from tests.unit.responsibility.cases import CASES
from tests.unit.responsibility.findings.looks import Scene


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def codes(audited: Audited) -> list[str]:
    with audited.plane.control.database.read() as connection:
        return [entry.code for entry in audit.entries(connection) if entry.code.startswith("package.")]


def test_package_is_made_verified_private_and_recorded(audited: Audited) -> None:
    audited.look(1)
    package = audited.make()
    path = audited.plane.control.packages.path(package.id)
    assert (package.state, package.progress, package.error) == (PackageState.READY, 100, None)
    assert package.verified_at == audited.plane.clock.now()
    assert package.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert package.manifest == hashlib.sha256(unpacked(path.read_bytes())["manifest.json"]).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert codes(audited) == ["package.request", "package.create", "package.verify"]


def test_everything_sampled_is_evidence_of_the_period_and_is_judged(audited: Audited) -> None:
    audited.look(5, apart=timedelta(hours=1))
    everything = unpacked(audited.content(audited.make(Sample.ALL)))
    daily = unpacked(audited.content(audited.make(Sample.DAILY)))
    with audited.plane.control.database.read() as connection:
        whole = list(
            store.pieces(
                connection,
                organization_id=audited.organization_id,
                start=NOW - timedelta(days=9),
                end=NOW + timedelta(days=9),
            )
        )
    named = {name[9:73] for name in everything if name.startswith("evidence/")}
    assert named == {piece.id for piece in whole}
    newest = {(piece.collector, piece.place, piece.organization_id): piece.id for piece in whole}
    sampled = {name[9:73] for name in daily if name.startswith("evidence/")}
    assert set(newest.values()) <= sampled < named
    results = rows(everything["records/results.csv"])
    assert {row["evidence"] for row in results} == named
    judged = {row["check"]: row["state"] for row in results}
    assert judged["rest_files_encrypted"] == ResultState.PASS
    manifest = json.loads(everything["manifest.json"])
    assert manifest["counts"]["evidence"] == manifest["counts"]["evidence_of_period"] == len(named)
    assert manifest["sampling"]["kind"] == "all"
    assert json.loads(everything["records/matrix.json"])["organizationId"] == audited.organization_id


def test_no_organization_gets_what_is_anothers(audited: Audited) -> None:
    fine = CASES["rest_files_encrypted"].passing
    audited.sources.found["disk_encryption"] = [
        {**fine, "id": f"service/{service}", "service_id": service} for service in ("a1", "o1")
    ]
    audited.look(1)
    package = audited.make(organization_id=audited.other_id)
    theirs = unpacked(audited.content(package))
    mine = unpacked(audited.content(audited.make()))
    for files, own, foreign in ((theirs, "o1", "a1"), (mine, "a1", "o1")):
        text = b"".join(
            content for name, content in files.items() if name.startswith(("evidence/", "records/"))
        ).decode()
        assert f"service/{own}" in text
        assert f"service/{foreign}" not in text
    assert mine["records/state-changes.ndjson"]
    assert theirs["records/state-changes.ndjson"] == b""
    assert checked(audited.content(package), audited.key).organization == audited.other_id


def test_altered_evidence_makes_no_package(audited: Audited) -> None:
    audited.look(1)
    with audited.plane.control.audit.bookkeeping("an attacker") as connection:
        connection.execute(update(responsibility.evidence).values(body=responsibility.evidence.c.body + " "))
    package = audited.make()
    assert package.state is PackageState.FAILED
    assert "was altered" in str(package.error)
    assert list(audited.plane.control.packages.path(package.id).parent.iterdir()) == []
    assert codes(audited)[-1] == "package.fail"


def test_killed_build_has_failed_after_the_next_start_and_can_be_repeated(audited: Audited) -> None:
    audited.look(1)
    control = audited.plane.control
    asked = audited.ask()
    directory = control.packages.path(asked.id).parent
    for left in (f"{asked.id}.part", f"{asked.id}.zip", "stranger.zip"):
        (directory / left).write_bytes(b"half")
    (directory / f"{asked.id}.work").mkdir()
    again = PackageBuilder(control.audit, directory=directory, catalogue=control.catalogue, clock=audited.plane.clock)
    again.recover()
    again.recover()
    failed = audited.found(asked)
    assert (failed.state, failed.error) == (PackageState.FAILED, actions.INTERRUPTED)
    assert list(directory.iterdir()) == []
    assert codes(audited).count("package.fail") == 1
    assert audited.make().state is PackageState.READY
    again.recover()
    assert len(list(directory.iterdir())) == 1


def test_package_expires_after_seven_days(audited: Audited) -> None:
    audited.look(1)
    package = audited.make()
    builder, clock = audited.plane.control.packages, audited.plane.clock
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert builder.expire(clock.now()) == 0
    clock.advance(timedelta(seconds=1))
    assert builder.expire(clock.now()) == 1
    assert builder.expire(clock.now()) == 0
    assert audited.found(package).state is PackageState.EXPIRED
    assert not builder.path(package.id).exists()
    assert codes(audited)[-1] == "package.expire"
    with (
        pytest.raises(Conflict, match="it expired"),
        audited.plane.control.audit.unit_of_work(CONTEXT) as uow,
    ):
        actions.download_package(uow, organization_id=package.organization_id, package_id=package.id)


def test_periods_that_cannot_be_and_too_many_packages_are_refused(audited: Audited) -> None:
    audited.look(1)
    now = audited.plane.clock.now()
    for start, end in ((now, now), (now, now + timedelta(days=1)), (now, now - timedelta(days=1))):
        with pytest.raises(Invalid), audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
            actions.request_package(
                uow, organization_id=audited.organization_id, start=start, end=end, sample=Sample.ALL, now=now
            )
    package = audited.ask()
    with pytest.raises(TooMany, match="being made"):
        audited.ask()
    with pytest.raises(Conflict), audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.delete_package(uow, organization_id=package.organization_id, package_id=package.id)
    with pytest.raises(NotFound), audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.delete_package(uow, organization_id=audited.other_id, package_id=package.id)


def test_collector_sees_what_was_made_and_what_failed(audited: Audited) -> None:
    def seen() -> dict[str, object]:
        with audited.plane.control.database.read() as connection:
            facts = collect_packages(connection, clock=audited.plane.clock)
        return dict(next(one for one in facts.resources if one.organization_id == audited.organization_id).fields)

    assert (seen()["pieces"], seen()["verified_days_ago"]) == (0, None)
    audited.look(1)
    package = audited.make()
    audited.plane.clock.advance(timedelta(days=3))
    assert (seen()["verified_days_ago"], seen()["problem"]) == (3, None)
    with audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
        actions.delete_package(uow, organization_id=package.organization_id, package_id=package.id)
    assert seen()["verified_days_ago"] == 3
    with audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
        failed = store.find_all(uow.connection, organization_id=audited.organization_id)
        assert failed == []
    asked = audited.ask()
    audited.plane.control.packages.recover()
    assert seen()["problem"] == audited.found(asked).error == actions.INTERRUPTED


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_no_cell_is_a_formula(text: str) -> None:
    target = io.StringIO()
    CsvWriter(target, ("a", "b")).add(text, 'x","=1\n=2')
    (row,) = list(csv.DictReader(io.StringIO(target.getvalue(), newline="")))
    assert row == {"a": f"'{text}", "b": 'x","=1\n=2'}


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.references += [value or "" for name, value in attrs if name in {"href", "src", "action", "data"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


HOSTILE = "<script>alert(1)</script><img src=https://evil.example onerror=x> #panic() $x$ \\ `"


def test_reports_show_hostile_text_as_text(audited: Audited) -> None:
    resource = {**CASES["rest_files_encrypted"].passing, "id": f"={HOSTILE}"}
    audited.sources.found["disk_encryption"] = [resource]
    with audited.plane.control.audit.unit_of_work(CONTEXT) as uow:
        from stronghouse.organizations import actions as organizations

        organizations.rename_organization(uow, organization_id=audited.organization_id, name=HOSTILE)
    audited.look(1)
    package = audited.make()
    assert package.error is None
    files = unpacked(audited.content(package))
    tags = Tags()
    tags.feed(files["report.html"].decode())
    assert not tags.tags & {"script", "img", "iframe", "link", "object", "form"}
    assert tags.handlers == []
    assert all(reference.startswith(("#", "evidence/")) for reference in tags.references)
    named = {reference for reference in tags.references if reference.startswith("evidence/")}
    assert named <= files.keys()
    assert b"&lt;script&gt;" in files["report.html"]
    cells = [row["resource"] for row in rows(files["records/results.csv"])]
    assert f"'={HOSTILE}" in cells


def report(built: Built) -> dict[str, object]:
    manifest = json.loads(built.files()["manifest.json"])
    return {"package": manifest, "derived_at": manifest["created_at"], "summary": [], "rows": []}


def test_equal_input_gives_equal_bytes(built: Built, tmp_path: Path) -> None:
    for name in ("one", "two"):
        pdf.render_pdf(report(built), tmp_path / f"{name}.pdf", at=NOW)
    one, two = (tmp_path / "one.pdf").read_bytes(), (tmp_path / "two.pdf").read_bytes()
    assert one == two
    assert one.startswith(b"%PDF-")
    assert {path.name for path in tmp_path.iterdir()} == {"one.pdf", "two.pdf"}
    assert render_html(report(built)) == render_html(report(built))


def test_pdf_that_fails_says_so(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Internal, match="within 0 seconds"):
        pdf.render_pdf(report(built), tmp_path / "slow.pdf", at=NOW, seconds=0.001)
    broken = tmp_path / "broken.typ"
    broken.write_text("#panic(1)")
    monkeypatch.setattr(pdf, "TEMPLATE", broken)
    with pytest.raises(Internal, match="could not be made"):
        pdf.render_pdf(report(built), tmp_path / "broken.pdf", at=NOW)


def test_failed_pdf_fails_the_package(audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audited.look(1)
    broken = tmp_path / "broken.typ"
    broken.write_text("#panic(1)")
    monkeypatch.setattr(pdf, "TEMPLATE", broken)
    package = audited.make()
    assert (package.state, package.error) == (PackageState.FAILED, "The PDF could not be made.")


def test_expired_evidence_is_listed_and_not_missing(audited: Audited) -> None:
    audited.look(2)
    gone = audited.plane.clock.now()
    with audited.plane.control.audit.bookkeeping("retention, made short") as connection:
        responsibility.expire_evidence(connection, before=gone - timedelta(hours=10), now=gone)
    files = unpacked(audited.content(audited.make(Sample.ALL)))
    expired = rows(files["records/expired-evidence.csv"])
    assert expired
    assert not {f"evidence/{row['evidence']}.json" for row in expired} & files.keys()
    manifest = json.loads(files["manifest.json"])
    assert manifest["counts"]["evidence_expired"] == len(expired)


def test_who_decided_about_the_installation_is_named_to_its_operator_only(audited: Audited) -> None:
    scene = Scene(audited.plane.control.audit, audited.plane.clock, audited.organization_id, audited.other_id)
    scene.look(a="F")
    who = scene.person("ann@example.com")
    scene.ask("a", who)
    audited.plane.clock.advance(timedelta(hours=1))
    told = {
        owner: rows(unpacked(audited.content(audited.make(organization_id=owner)))["records/dispositions.csv"])
        for owner in (audited.organization_id, audited.other_id)
    }
    assert [row["author_details"] for row in told[audited.organization_id]] == ["ann@example.com"]
    assert [row["author_details"] for row in told[audited.other_id]] == [who.actor.id]


def test_documents_and_reviews_of_the_organization_are_listed(audited: Audited) -> None:
    audited.look(1)
    control, now = audited.plane.control, audited.plane.clock.now()
    for owner in (audited.organization_id, audited.other_id):
        with control.audit.unit_of_work(CONTEXT) as uow:
            file_document(
                uow,
                NewDocument(
                    request_id="member_review",
                    document_date=now.date(),
                    valid_until=None,
                    note=f"=Looked at by {owner}",
                    file_name=None,
                    media_type=None,
                ),
                None,
                document_id=new_id(),
                requests=control.documents.requests,
                organization_id=owner,
                now=now,
            )
    audited.plane.clock.advance(timedelta(hours=1))
    files = unpacked(audited.content(audited.make()))
    (listed,) = rows(files["records/documents.csv"])
    assert (listed["request_id"], listed["note"]) == ("member_review", f"'=Looked at by {audited.organization_id}")
    assert rows(files["records/document-reviews.csv"]) == []
