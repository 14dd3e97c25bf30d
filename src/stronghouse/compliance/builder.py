"""Makes packages in the background, one at a time, and keeps their files."""

import dataclasses
import hashlib
import shutil
import threading
import time
from datetime import datetime
from pathlib import Path

import structlog

from stronghouse.audit import store as audit_store
from stronghouse.audit.checkpoint import verifier_key
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.compliance import actions, store, verifier
from stronghouse.compliance.container import ContainerWriter
from stronghouse.compliance.events import PackageCreated
from stronghouse.compliance.model import Package, PackageState
from stronghouse.compliance.package import Draft, PackageWriter, manifest_proof
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Internal, StronghouseError
from stronghouse.kernel.files import create_private, private_directory, sync_directory
from stronghouse.responsibility.catalogue import Catalogue

POLL_SECONDS = 60.0
PROGRESS_SECONDS = 1.0
_log = structlog.get_logger()


class PackageBuilder:
    """Owns the directory of packages: `<id>.zip` for each that is ready, nothing else when it is idle.

    Args:
        audit: where packages are recorded.
        directory: where the files go; made if needed, for its owner only.
        catalogue: the checks.
        clock: the time.
    """

    def __init__(self, audit: AuditLog, *, directory: Path, catalogue: Catalogue, clock: Clock) -> None:
        self._audit = audit
        self._directory = private_directory(directory)
        self._catalogue = catalogue
        self._clock = clock
        self._asked = threading.Event()

    def wake(self) -> None:
        """A package was asked for. From any thread."""
        self._asked.set()

    def path(self, package_id: str) -> Path:
        """Where the file of a package is when it is ready."""
        return self._directory / f"{package_id}.zip"

    def remove(self, package_id: str) -> None:
        """Remove the file of a package that was deleted or expired."""
        self.path(package_id).unlink(missing_ok=True)

    def recover(self) -> None:
        """After a start: what was being made has failed, and files that belong to nothing are removed."""
        with self._audit.database.read() as connection:
            interrupted = store.in_state(connection, PackageState.BUILDING)
            ready = {one.id for one in store.in_state(connection, PackageState.READY)}
        for one in interrupted:
            self._fail(one, actions.INTERRUPTED)
        for path in self._directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.suffix != ".zip" or path.stem not in ready:
                path.unlink(missing_ok=True)

    def expire(self, now: datetime) -> int:
        """Remove the files whose time is over; how many. For a job that runs now and then."""
        with self._audit.database.read() as connection:
            ready = store.in_state(connection, PackageState.READY)
        if not any(one.expires_at is not None and one.expires_at <= now for one in ready):
            return 0
        with self._audit.unit_of_work(Context(SYSTEM)) as uow:
            over = actions.expire_packages(uow, now=now)
        for one in over:
            self.remove(one.id)
        return len(over)

    def run_forever(self, stop: threading.Event) -> None:
        """Make what is asked for until `stop` is set. For a thread of its own."""
        while not stop.is_set():
            self._asked.clear()
            try:
                self.run_due()
            except Exception:  # noqa: BLE001 - the edge of this thread: without it no package would ever be made again
                _log.exception("packages_interrupted")
            self._asked.wait(POLL_SECONDS)

    def run_due(self) -> int:
        """Make every package that was asked for, oldest first; how many came to an end, well or not."""
        with self._audit.database.read() as connection:
            waiting = store.in_state(connection, PackageState.BUILDING)
        for one in waiting:
            self._make(one)
        return len(waiting)

    def _make(self, package: Package) -> None:
        try:
            made, evidence = self._build(package)
        except verifier.Refused as error:
            self._fail(package, f"It did not verify: {error}")
        except StronghouseError as error:
            _log.warning("package_failed", package=package.id, reason=error.public, detail=error.detail)
            self._fail(package, error.public)
        except Exception as error:  # noqa: BLE001 - the edge of a build: its failure is told to who asked
            _log.warning("package_failed", package=package.id, reason=repr(error), exc_info=error)
            self._fail(package, f"It failed unexpectedly ({type(error).__name__}).")
        else:
            with self._audit.unit_of_work(Context(SYSTEM)) as uow:
                actions.finish_package(uow, made, evidence=evidence, now=self._clock.now())

    def _build(self, package: Package) -> tuple[Package, int]:
        """Make the file and verify it as an auditor would."""
        work = private_directory(self._directory / f"{package.id}.work")
        part = self._directory / f"{package.id}.part"
        try:
            part.unlink(missing_ok=True)
            create_private(part, b"")
            with part.open("r+b") as file:
                container = ContainerWriter(file)
                draft = self._draft(package, container, private_directory(work / "records"))
                container.add(verifier.PROOF, self._commit(package, draft))
                container.finish()
            with part.open("rb") as file:
                signer = self._audit.signer
                verifier.verify(file, verifier_key(signer.origin, signer.public_key))
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = part.stat().st_size
            part.replace(self.path(package.id))
            sync_directory(self._directory)
        finally:
            part.unlink(missing_ok=True)
            shutil.rmtree(work, ignore_errors=True)
        manifest = hashlib.sha256(draft.manifest).hexdigest()
        return dataclasses.replace(package, manifest=manifest, sha256=digest, size=size), draft.evidence

    def _draft(self, package: Package, container: ContainerWriter, work: Path) -> Draft:
        with self._audit.database.read() as connection:
            writer = PackageWriter(
                connection,
                package,
                directory=work,
                catalogue=self._catalogue,
                signer=self._audit.signer,
                progress=_Progress(self._audit, package.id).note,
            )
            return writer.write(container)

    def _commit(self, package: Package, draft: Draft) -> bytes:
        """Have the audit log commit to the manifest; the proof that it did."""
        with self._audit.unit_of_work(Context(SYSTEM)) as uow:
            index = audit_store.size(uow.connection)  # the write lock is ours: this is the leaf it will become
            uow.record(
                PackageCreated(
                    organization_id=package.organization_id,
                    package=package.id,
                    manifest=hashlib.sha256(draft.manifest).hexdigest(),
                    period_from=rfc3339(package.period_from),
                    period_to=rfc3339(package.period_to),
                )
            )
        with self._audit.database.read() as connection:
            for entry in audit_store.entries(connection, start=index, count=1):
                return manifest_proof(connection, index=index, leaf=entry.body, older=draft.tree_size)
        raise Internal("The event of the package is not in the audit log.")

    def _fail(self, package: Package, reason: str) -> None:
        self.remove(package.id)
        with self._audit.unit_of_work(Context(SYSTEM)) as uow:
            actions.fail_package(uow, package, reason=reason, now=self._clock.now())


class _Progress:
    """Writes how far a package is, about once a second."""

    def __init__(self, audit: AuditLog, package_id: str) -> None:
        self._audit = audit
        self._package_id = package_id
        self._next = 0.0

    def note(self, percent: int) -> None:
        """Told by the writer, often."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        with self._audit.bookkeeping("how far the making of a package is, is no act") as connection:
            store.set_progress(connection, self._package_id, percent)
