"""Judges the evidence of a package again and keeps, for the report, how each check did over the period."""

from collections import Counter
from dataclasses import dataclass, field

from stronghouse.compliance.store import Piece
from stronghouse.compliance.tables import CsvWriter
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import StronghouseError
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Check, Result, ResultState

WORST_FIRST = (ResultState.FAIL, ResultState.ERROR, ResultState.MANUAL, ResultState.PASS)
MAX_TURNS = 20


@dataclass(frozen=True)
class Turn:
    """A piece of evidence on which a check says something else than on the one before."""

    at: str
    state: str
    evidence: str


@dataclass
class History:
    """What one check said in one place over the period."""

    check: str
    place: str
    looks: Counter[str] = field(default_factory=Counter)
    turns: list[Turn] = field(default_factory=list)
    more_turns: int = 0
    newest: Turn | None = None
    by_owner: dict[str | None, str] = field(default_factory=dict)

    def note(self, piece: Piece, state: str) -> None:
        """Count a look."""
        self.looks[state] += 1
        turn = Turn(rfc3339(piece.collected_at), state, piece.id)
        self.newest = turn
        if self.by_owner.get(piece.organization_id) != state:
            self.by_owner[piece.organization_id] = state
            if len(self.turns) < MAX_TURNS:
                self.turns.append(turn)
            else:
                self.more_turns += 1


class Judge:
    """Judges piece after piece into the table of results."""

    def __init__(self, catalogue: Catalogue, results: CsvWriter) -> None:
        self._checks: dict[str, list[Check]] = {}
        for check in catalogue.checks.values():
            self._checks.setdefault(check.meta.collector, []).append(check)
        self._results = results
        self.histories: dict[tuple[str, str], History] = {}

    def judge(self, piece: Piece, facts: Facts) -> None:
        """Write what every check says about these facts; one that cannot judge them says error."""
        for check in self._checks.get(piece.collector, []):
            results = _results(check, facts)
            for result in results:
                self._results.add(
                    check.meta.id,
                    check.meta.version,
                    piece.place,
                    result.resource,
                    result.state.value,
                    result.reason,
                    piece.id,
                    facts.collected_at,
                )
            key = (check.meta.id, piece.place)
            self.histories.setdefault(key, History(*key)).note(piece, _worst(results))


def _results(check: Check, facts: Facts) -> list[Result]:
    try:
        return evaluate(check, facts)
    except StronghouseError as error:
        return [Result("", ResultState.ERROR, error.public)]
    except Exception as error:  # noqa: BLE001 - the edge of an evaluator, as in the runner
        return [Result("", ResultState.ERROR, f"It failed unexpectedly ({type(error).__name__}).")]


def _worst(results: list[Result]) -> str:
    states = {result.state for result in results}
    return next((state for state in WORST_FIRST if state in states), ResultState.NOT_APPLICABLE).value
