"""Checks the audit log and the kept evidence by computing all of it again."""

from collections.abc import Mapping

from sqlalchemy import Connection

from stronghouse.audit.verification import AuditLogBroken, verify_log
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.responsibility import store
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.evidence import EvidenceAltered, read, recorded_entry
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.store import Run, StoredEvidence

VERSION = 1
METHOD = (
    "The tree is computed from the entries' bodies and compared with every stored node and signed checkpoint; each "
    "piece of evidence that a result cites is hashed, looked up in the log, and judged again."
)
MAX_PROBLEMS = 50


def collect_audit_tree(
    connection: Connection, *, origin: str, public_key: bytes, catalogue: Catalogue, clock: Clock
) -> Facts:
    """Facts about the log and the evidence as they stand in `connection`'s snapshot.

    Args:
        connection: a snapshot to read from.
        origin: the log's name, as its checkpoints carry it.
        public_key: the log's Ed25519 key; from where it is kept, not from the database under test.
        catalogue: the evaluators to judge again with.
        clock: the time.
    """
    collected_at = clock.now()
    resources = (_log(connection, origin, public_key), _evidence(connection, catalogue))
    return Facts(
        collector="audit_tree",
        version=VERSION,
        method=METHOD,
        target="audit log of the control plane",
        collected_at=collected_at,
        resources=resources,
    )


def _log(connection: Connection, origin: str, public_key: bytes) -> Resource:
    fields: dict[str, Json] = {"id": "audit_log", "kind": "audit_log", "problem": None, "size": 0, "checkpoints": 0}
    try:
        verified = verify_log(connection, origin=origin, public_key=public_key)
        fields.update(size=verified.size, checkpoints=verified.checkpoints, root=verified.root.hex())
    except AuditLogBroken as error:
        fields["problem"] = error.public
    except (ValueError, KeyError, TypeError) as error:  # a body that is no event any more
        fields["problem"] = f"An entry of the audit log cannot be read ({type(error).__name__})."
    return Resource(fields)


def _evidence(connection: Connection, catalogue: Catalogue) -> Resource:
    problems: list[str] = []
    pieces = results = 0
    runs = store.runs(connection)
    for kept in store.cited_evidence(connection):
        pieces += 1
        try:
            judged, wrong = _judged_again(connection, kept, catalogue, runs)
            results += judged
            problems += wrong
        except (EvidenceAltered, StronghouseError) as error:
            problems.append(error.public)
        except (ValueError, KeyError, TypeError):
            problems.append(f"Evidence {kept.id[:16]} or its audit entry cannot be read.")
    shown: list[Json] = [*problems[:MAX_PROBLEMS]]
    return Resource(
        {
            "id": "evidence",
            "kind": "evidence",
            "pieces": pieces,
            "results": results,
            "problem_count": len(problems),
            "problems": shown,
        }
    )


def _judged_again(
    connection: Connection, kept: StoredEvidence, catalogue: Catalogue, runs: Mapping[tuple[str, str], Run]
) -> tuple[int, list[str]]:
    facts = read(kept)
    recorded_entry(connection, kept)
    judged = 0
    problems = []
    for check_id in store.checks_on(connection, kept.id):
        check, run = catalogue.checks.get(check_id), runs.get((check_id, kept.place))
        if check is None or run is None or run.check_version != check.meta.version:
            continue  # judged by another version; the next look replaces it
        stored = store.results_of(connection, check_id=check_id, place=kept.place, evidence_id=kept.id)
        judged += len(stored)
        again = evaluate(check, facts)
        same = set(store.as_results(stored)) == set(again) and len(stored) == len(again)
        if not same or not run.collected_at == kept.collected_at == facts.collected_at:
            problems.append(f"The results of {check_id} in {kept.place} do not follow from their evidence.")
    return judged, problems
