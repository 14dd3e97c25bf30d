"""What may be done with packages: ask for one, finish it, hand it out, remove it."""

import dataclasses
from datetime import datetime, timedelta

from stronghouse.audit.event import Outcome
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.compliance import store
from stronghouse.compliance.events import (
    PackageDeleted,
    PackageDownloaded,
    PackageExpired,
    PackageFailed,
    PackageRequested,
    PackageVerified,
)
from stronghouse.compliance.model import Package, PackageState, Sample
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, TooMany
from stronghouse.kernel.ids import new_id

KEPT_FOR = timedelta(days=7)
MAX_KEPT = 10
"""Files of one organization at a time: each may have gigabytes."""
INTERRUPTED = "The control plane stopped while it was being made; ask for it again."


def request_package(
    uow: UnitOfWork, *, organization_id: str, start: datetime, end: datetime, sample: Sample, now: datetime
) -> Package:
    """Ask for a package of the evidence collected in [start, end).

    Raises:
        Invalid: the period is empty or in the future.
        TooMany: one is being made already, or too many are kept.
    """
    start, end = _whole(start), _whole(end)
    if not start < end <= now:
        raise Invalid("A period begins before it ends, and it ends now at the latest.", code="period_invalid")
    there = store.find_all(uow.connection, organization_id=organization_id)
    if any(one.state is PackageState.BUILDING for one in there):
        raise TooMany("A package is being made already; wait until it is ready.", code="package_building")
    if sum(one.state is PackageState.READY for one in there) >= MAX_KEPT:
        raise TooMany(f"There are {MAX_KEPT} packages; delete one first.", code="packages_kept")
    new = Package(new_id(), organization_id, now, start, end, sample, PackageState.BUILDING)
    store.insert_package(uow.connection, new)
    uow.record(
        PackageRequested(
            organization_id=organization_id,
            package=new.id,
            period_from=rfc3339(start),
            period_to=rfc3339(end),
            sample=sample.value,
        )
    )
    return new


def finish_package(uow: UnitOfWork, made: Package, *, evidence: int, now: datetime) -> None:
    """A package is complete and was verified (`made` carries its hashes): from now on it can be downloaded."""
    ready = dataclasses.replace(
        made,
        state=PackageState.READY,
        progress=100,
        finished_at=now,
        verified_at=now,
        expires_at=now + KEPT_FOR,
    )
    store.put(uow.connection, ready)
    uow.record(
        PackageVerified(
            organization_id=made.organization_id, package=made.id, sha256=str(made.sha256), evidence=evidence
        )
    )


def fail_package(uow: UnitOfWork, failed: Package, *, reason: str, now: datetime) -> None:
    """A package could not be made, or did not verify."""
    store.put(uow.connection, dataclasses.replace(failed, state=PackageState.FAILED, error=reason, finished_at=now))
    uow.record(
        PackageFailed(organization_id=failed.organization_id, package=failed.id, outcome=Outcome.FAILURE, reason=reason)
    )


def download_package(uow: UnitOfWork, *, organization_id: str, package_id: str) -> Package:
    """Record that a package is handed out; raises NotFound, or Conflict when there is no file to hand out."""
    found = _found(uow, organization_id, package_id)
    if found.state is not PackageState.READY or found.sha256 is None:
        why = {
            PackageState.BUILDING: "it is being made",
            PackageState.FAILED: "it could not be made",
            PackageState.EXPIRED: "it expired; ask for a new one",
        }.get(found.state, "it is gone")
        raise Conflict(f"This package cannot be downloaded: {why}.", code="package_not_ready")
    uow.record(PackageDownloaded(organization_id=organization_id, package=found.id, sha256=found.sha256))
    return found


def delete_package(uow: UnitOfWork, *, organization_id: str, package_id: str) -> Package:
    """Delete a package, not while it is being made. The caller removes the file after the commit."""
    found = _found(uow, organization_id, package_id)
    if found.state is PackageState.BUILDING:
        raise Conflict("This package is being made; delete it when it is ready.", code="package_building")
    store.put(uow.connection, dataclasses.replace(found, state=PackageState.DELETED))
    uow.record(PackageDeleted(organization_id=organization_id, package=found.id))
    return found


def expire_packages(uow: UnitOfWork, *, now: datetime) -> list[Package]:
    """Take those whose time is over out of reach. The caller removes their files after the commit."""
    ready = store.in_state(uow.connection, PackageState.READY)
    over = [one for one in ready if one.expires_at is not None and one.expires_at <= now]
    for one in over:
        store.put(uow.connection, dataclasses.replace(one, state=PackageState.EXPIRED))
        uow.record(PackageExpired(organization_id=one.organization_id, package=one.id))
    return over


def _found(uow: UnitOfWork, organization_id: str, package_id: str) -> Package:
    found = store.find(uow.connection, organization_id=organization_id, package_id=package_id)
    if found is None:
        raise NotFound("There is no such package.")
    return found


def _whole(moment: datetime) -> datetime:
    """To the millisecond: what is written in the manifest is what was asked."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
