"""What several checks judge alike: times in facts, and rows that must follow the audit log."""

from datetime import datetime, timedelta
from ipaddress import ip_network

from stronghouse.kernel.clock import parse_rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Observation, Resource
from stronghouse.responsibility.model import Result, ResultState

KEY_LIFETIME = timedelta(days=365)
"""How long a key is used at most before it must be replaced."""
WIDEST_PREFIX = 1
"""Half of all addresses or more is as good as all of them."""
SHOWN = 3


def moment(resource: Observation, name: str) -> datetime | None:
    """A time in facts, or None where the field is null; raises Invalid for text that is no time."""
    text = resource.optional_text(name)
    try:
        return None if text is None else parse_rfc3339(text)
    except ValueError:
        raise Invalid("The facts hold a time that is none.", code="facts_malformed") from None


def follows_log(resource: Resource, *, in_use: bool, unused: str) -> Result:
    """Whether a row is what the audit log declares; `unused` says why one that is not in use does not count."""
    differences = resource.texts("differences")
    if differences:
        more = f", and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        return Result(resource.id, ResultState.FAIL, f"It was changed: {'; '.join(differences[:SHOWN])}{more}.")
    if not in_use:
        return Result(resource.id, ResultState.NOT_APPLICABLE, unused)
    return Result(resource.id, ResultState.PASS, "It is exactly what the audit log says that somebody declared.")


def within_lifetime(key: Resource, what: str, collected_at: datetime) -> Result:
    """Whether a key is younger than its lifetime, by a record that cannot be refreshed."""
    if not key.flag("exists"):
        return Result(key.id, ResultState.NOT_APPLICABLE, f"There is no {what} yet.")
    since = moment(key, "since")
    if since is None:
        return Result(key.id, ResultState.FAIL, f"Nothing in the audit log says how old this {what} is.")
    days = (collected_at - since).days
    if collected_at - since > KEY_LIFETIME:
        return Result(key.id, ResultState.FAIL, f"This {what} is {days} days old; it may be {KEY_LIFETIME.days}.")
    return Result(key.id, ResultState.PASS, f"This {what} is {days} days old; it may be {KEY_LIFETIME.days}.")


def is_wide(block: str) -> bool:
    """Whether a block holds half of all addresses or more; raises Invalid for text that is no block."""
    try:
        return ip_network(block).prefixlen <= WIDEST_PREFIX
    except ValueError:
        raise Invalid("The facts hold a block that is none.", code="facts_malformed") from None
