"""What can be asked of an organization's log, and how a query is written in a URL or on a command line."""

import ipaddress
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stronghouse.audit.event import Outcome
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.errors import Invalid

NAMES = ("code", "serviceId", "actor", "outcome", "address", "text", "since", "until")
MAX_TEXT = 200
MAX_ACTOR = 64
MAX_TIME = 40
_CODE = re.compile(r"[a-z0-9_]{1,40}(\.[a-z0-9_]{1,40})*\.?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class AuditQuery:
    """What is asked of an organization's log; None asks for everything.

    `code` is a whole code, or the words before one of its dots: `service` and `service.` are all codes of services.
    `text` is looked for in the summary and in the values of the event's data; ASCII letters match in either case.
    Times are [since, until).
    """

    organization_id: str
    code: str | None = None
    service_id: str | None = None
    actor: str | None = None
    outcome: Outcome | None = None
    address: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def query_from(organization_id: str, texts: Mapping[str, str | None]) -> AuditQuery:
    """The query that these parameters (`NAMES`) ask for; one that is empty or missing asks for nothing.

    Raises:
        Invalid: a parameter does not have the form that it should; says which.
    """
    given = {name: text.strip() for name in NAMES if (text := texts.get(name)) and text.strip()}
    query = AuditQuery(
        organization_id=organization_id,
        code=_code(given.get("code")),
        service_id=_service(given.get("serviceId")),
        actor=_actor(given.get("actor")),
        outcome=_outcome(given.get("outcome")),
        address=_address(given.get("address")),
        text=_text(given.get("text")),
        since=_moment("since", given.get("since")),
        until=_moment("until", given.get("until"), end=True),
    )
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise Invalid("since is earlier than until.", code="date_invalid")
    return query


def texts_of(query: AuditQuery) -> dict[str, str]:
    """The parameters that ask for this query: what `query_from` takes, without those that ask for nothing."""
    times = {"since": query.since, "until": query.until}
    shown = {
        "code": query.code,
        "serviceId": query.service_id,
        "actor": query.actor,
        "outcome": None if query.outcome is None else query.outcome.value,
        "address": query.address,
        "text": query.text,
        **{name: None if moment is None else rfc3339(moment) for name, moment in times.items()},
    }
    return {name: text for name, text in shown.items() if text is not None}


def _code(text: str | None) -> str | None:
    if text is not None and _CODE.fullmatch(text) is None:
        raise Invalid("code is an event's code, or how one begins: service.create, service.", code="code_invalid")
    return text


def _service(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Invalid("serviceId is a service's id, a UUID.", code="service_id_invalid") from None


def _actor(text: str | None) -> str | None:
    if text is not None and (len(text) > MAX_ACTOR or not text.isprintable()):
        raise Invalid(f"actor is an actor's id of at most {MAX_ACTOR} characters.", code="actor_invalid")
    return text


def _outcome(text: str | None) -> Outcome | None:
    try:
        return None if text is None else Outcome(text)
    except ValueError:
        known = ", ".join(outcome.value for outcome in Outcome)
        raise Invalid(f"outcome is one of {known}.", code="outcome_invalid") from None


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(ipaddress.ip_address(text))
    except ValueError:
        raise Invalid("address is one IP address, as in 192.0.2.7.", code="address_invalid") from None


def _text(text: str | None) -> str | None:
    if text is not None and len(text) > MAX_TEXT:
        raise Invalid(f"text has at most {MAX_TEXT} characters.", code="text_too_long")
    return text


def _moment(name: str, text: str | None, *, end: bool = False) -> datetime | None:
    """A time; a bare day as an end includes the whole of it, as in the Cloud API's list of activities."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text[:MAX_TIME])
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        return moment + timedelta(days=1) if end and _DAY.fullmatch(text) else moment
    except (ValueError, OverflowError):
        raise Invalid(f"{name} is a date (2026-01-31) or an RFC 3339 time.", code="date_invalid") from None
