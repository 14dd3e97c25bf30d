"""Puts an auditor's package together: reads one snapshot, streams it into the container, never holds it in memory."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from sqlalchemy import Connection

from stronghouse import __version__
from stronghouse.audit.checkpoint import Signer, verifier_key
from stronghouse.compliance import records, store, verifier
from stronghouse.compliance.container import ContainerWriter
from stronghouse.compliance.judging import History, Judge
from stronghouse.compliance.model import SAMPLE_MEANING, Package
from stronghouse.compliance.pdf import render_pdf
from stronghouse.compliance.proofs import Prover
from stronghouse.compliance.report import render_html, report_data
from stronghouse.compliance.selection import Selection, select_pieces
from stronghouse.compliance.tables import CsvWriter
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.clock import rfc3339
from stronghouse.organizations import store as organizations
from stronghouse.organizations.operator import is_operator
from stronghouse.regions.actions import find_regions
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.events import CheckStateChanged
from stronghouse.responsibility.evidence import read, recorded_entry
from stronghouse.responsibility.matrix import responsibility_matrix
from stronghouse.responsibility.store import StoredEvidence

READ_ME = Path(__file__).parent / "templates" / "READ-ME.txt"
Progress = Callable[[int], None]
"""Told of percents."""


@dataclass(frozen=True)
class Draft:
    """A package without the proof of its manifest, which nobody has committed to yet.

    Attributes:
        manifest: its bytes.
        tree_size: of the log's head that its evidence stands under.
        evidence: how many pieces are in it.
    """

    manifest: bytes
    tree_size: int
    evidence: int


class PackageWriter:
    """Writes one package into a container.

    Args:
        connection: the snapshot to read from.
        package: what was asked for.
        directory: an empty one, for the tables that are written before the container can take them.
        catalogue: the checks to judge with.
        signer: of the audit log; only its name and public key are used.
        progress: told how far it is.
    """

    def __init__(
        self,
        connection: Connection,
        package: Package,
        *,
        directory: Path,
        catalogue: Catalogue,
        signer: Signer,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._package = package
        self._directory = directory
        self._catalogue = catalogue
        self._signer = signer
        self._progress = progress
        self._period = {"start": package.period_from, "end": package.period_to}
        self._prover = Prover(connection)

    def write(self, container: ContainerWriter) -> Draft:
        """Write every file but the manifest's proof.

        Raises:
            EvidenceAltered: a piece of evidence is not what was recorded.
            Invalid: it becomes too long.
            Internal: the PDF failed.
        """
        changes, change_count = self._write_state_changes()
        selection = select_pieces(self._pieces(), self._package.sample, changes)
        histories, results = self._judge(selection)
        counts: dict[str, Json] = {
            "evidence": len(selection.chosen),
            "evidence_of_period": selection.seen,
            "evidence_expired": len(selection.expired),
            "results": results,
            "state_changes": change_count,
            **self._write_tables(selection),
        }
        matrix = self._matrix()
        about = self._about(counts)
        (self._directory / "matrix.json").write_bytes(canonical_json(matrix))
        data = report_data(about, cast("dict[str, Any]", matrix), histories)
        render_pdf(data, self._directory.parent / f"{self._directory.name}.pdf", at=self._package.created_at)
        self._fill(container, sorted(selection.chosen), render_html(data))
        manifest = canonical_json({**about, "files": self._listed(container)})
        container.add(verifier.MANIFEST, manifest)
        return Draft(manifest, self._prover.size, len(selection.chosen))

    def _pieces(self) -> Any:  # noqa: ANN401 - an iterator of pieces, see the store
        return store.pieces(self._connection, organization_id=self._package.organization_id, **self._period)

    def _write_state_changes(self) -> tuple[dict[tuple[str, str], list[int]], int]:
        """Write the changes of state; their indexes by collector and place.

        What they say counts resources of every organization, so only the one that operates the installation gets them.
        """
        changes: dict[tuple[str, str], list[int]] = {}
        shown = is_operator(self._connection, self._package.organization_id)
        count = 0
        with self._text("state-changes.ndjson") as file:
            for index, body in store.events(self._connection, CheckStateChanged.code, **self._period):
                data = json.loads(body)["data"]
                check = self._catalogue.checks.get(data["check"])
                if check is not None:
                    changes.setdefault((check.meta.collector, data["place"]), []).append(index)
                if shown:
                    self._prover.write(file, index=index, leaf=body)
                    count += 1
        return changes, count

    def _judge(self, selection: Selection) -> tuple[dict[tuple[str, str], History], int]:
        """Check each piece again, prove it, judge it."""
        with ExitStack() as files:
            proofs = files.enter_context(self._text("evidence-proofs.ndjson"))
            results = CsvWriter(files.enter_context(self._text("results.csv")), verifier.RESULT_COLUMNS)
            judge = Judge(self._catalogue, results)
            done, total = 0, len(selection.chosen) or 1
            for piece in self._pieces():
                if piece.id not in selection.chosen:
                    continue
                fields = {name: value for name, value in piece.__dict__.items() if name != "expired_at"}
                kept = StoredEvidence(**fields, body=store.body(self._connection, piece.id))
                facts = read(kept)
                entry = recorded_entry(self._connection, kept)
                self._prover.write(proofs, index=entry.index, leaf=entry.body, evidence=piece.id)
                judge.judge(piece, facts)
                done += 1
                self._progress(60 * done // total)
        return judge.histories, results.count

    def _write_tables(self, selection: Selection) -> dict[str, Json]:
        counted = records.write_records(
            self._connection, self._directory, organization_id=self._package.organization_id, **self._period
        )
        records.write_expired(self._directory, selection.expired)
        (self._directory / "checkpoint.txt").write_text(self._prover.note, encoding="utf-8")
        return dict(counted)

    def _matrix(self) -> dict[str, Json]:
        return responsibility_matrix(
            self._connection,
            catalogue=self._catalogue,
            organization_id=self._package.organization_id,
            regions=[region.id for region in find_regions(self._connection)],
            now=self._package.created_at,
        )

    def _about(self, counts: dict[str, Json]) -> dict[str, Json]:
        """The manifest without its list of files."""
        package = self._package
        organization = organizations.find(self._connection, package.organization_id)
        shown = is_operator(self._connection, package.organization_id)
        return {
            "format": verifier.FORMAT,
            "package": package.id,
            "organization": {"id": package.organization_id, "name": organization.name if organization else ""},
            "period": {"from": rfc3339(package.period_from), "to": rfc3339(package.period_to)},
            "created_at": rfc3339(package.created_at),
            "made_by": {"product": "Stronghouse", "version": __version__},
            "log_key": verifier_key(self._signer.origin, self._signer.public_key),
            "sampling": {"kind": package.sample.value, "meaning": SAMPLE_MEANING[package.sample]},
            "checks": {check.meta.id: check.meta.version for check in self._catalogue.checks.values()},
            "matrix": {
                "derived_at": rfc3339(package.created_at),
                "at_end_of_period": package.period_to == package.created_at,
            },
            "state_changes": "included" if shown else "only for the organization that operates the installation",
            "counts": counts,
        }

    def _fill(self, container: ContainerWriter, chosen: Sequence[str], html: str) -> None:
        """Write the files in the order of their names."""
        container.add("READ-ME.txt", READ_ME.read_bytes())
        for done, evidence_id in enumerate(chosen, start=1):
            container.add(f"evidence/{evidence_id}.json", store.body(self._connection, evidence_id).encode())
            self._progress(60 + 30 * done // len(chosen))
        for path in sorted(self._directory.iterdir(), key=lambda path: path.name):
            container.add_file(f"records/{path.name}", path)
        container.add("report.html", html.encode())
        container.add_file("report.pdf", self._directory.parent / f"{self._directory.name}.pdf")
        container.add("verify.py", Path(verifier.__file__).read_bytes())

    def _listed(self, container: ContainerWriter) -> list[Json]:
        return [{"name": entry.name, "sha256": entry.sha256, "size": entry.size} for entry in container.entries]

    def _text(self, name: str) -> TextIO:
        return (self._directory / name).open("w", encoding="utf-8", newline="")


def manifest_proof(connection: Connection, *, index: int, leaf: str, older: int) -> bytes:
    """The last file: proof that the log commits to the manifest by the event at `index`, and that it grew since."""
    prover = Prover(connection)
    text = verifier.proof_text(leaf.encode(), index, prover.path(index), prover.since(older), prover.note)
    return text.encode()
