"""The words of the model: responsibilities have controls, controls have checks, checks yield results for resources."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stronghouse.responsibility.facts import Facts


class Owner(StrEnum):
    """Who carries a responsibility (design.md section 7)."""

    CLOUD = "cloud"
    """The infrastructure provider."""
    PLATFORM = "platform"
    """Who operates Stronghouse."""
    CUSTOMER = "customer"
    """Who uses a service."""
    THIRD_PARTY = "third party"
    SHARED = "shared"


class Severity(StrEnum):
    """How bad it is when a check fails."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ResultState(StrEnum):
    """What one check says about one resource. Evaluators give the first four; the other two come from the outside."""

    PASS = "pass"  # noqa: S105 - a state, no password
    FAIL = "fail"
    MANUAL = "manual"
    """A person has to judge."""
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"
    """The facts could not be collected or not be judged."""
    STALE = "stale"
    """The evidence is older than the check allows."""


EVALUATED = frozenset({ResultState.PASS, ResultState.FAIL, ResultState.MANUAL, ResultState.NOT_APPLICABLE})


class RowState(StrEnum):
    """The derived state of a check, a control or a row. Only `pass` is green."""

    PASS = "pass"  # noqa: S105 - a state, no password
    PARTIAL = "partial"
    """Some controls are proven, nothing is known to be wrong, and the rest is not evidenced. Rows only."""
    NOT_APPLICABLE = "not_applicable"
    NOT_EVIDENCED = "not_evidenced"
    """No check exists, or it has not run."""
    ACCEPTED = "accepted"
    """It fails, and dispositions in force cover every failure. Known to be wrong, so not green."""
    MANUAL = "manual"
    STALE = "stale"
    ERROR = "error"
    FAIL = "fail"


@dataclass(frozen=True)
class Control:
    """One thing that must hold for a responsibility, in plain words. Its id begins with the responsibility's."""

    id: str
    title: str


@dataclass(frozen=True)
class Responsibility:
    """A row of the matrix. `frameworks` maps a framework to proposed requirement ids; no auditor has approved them."""

    id: str
    group: str
    title: str
    owner: Owner
    controls: tuple[Control, ...]
    frameworks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class CheckMeta:
    """What is known of a check without running it.

    Attributes:
        id: the name of its file.
        version: raised when the same facts may now be judged differently.
        title: what holds when it passes, as a sentence.
        severity: of a failure.
        risk: what can happen while it fails.
        remediation: the command or the act that mends it.
        max_age: how old its evidence may be before the result is stale.
        collector: which facts it judges.
        controls: ids of the controls that it proves (with the other checks that name them).
        frameworks: requirements it speaks to, as in `SOC2:CC6.7`; proposed.
    """

    id: str
    version: int = 1
    title: str
    severity: Severity
    risk: str
    remediation: str
    max_age: timedelta
    collector: str
    controls: tuple[str, ...]
    frameworks: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What an evaluator says about one resource, and why in one sentence."""

    resource: str
    state: ResultState
    reason: str


@dataclass(frozen=True)
class Check:
    """A check: what is known of it and its pure evaluator, which sees nothing but the facts."""

    meta: CheckMeta
    evaluate: Callable[["Facts"], Iterable[Result]]
