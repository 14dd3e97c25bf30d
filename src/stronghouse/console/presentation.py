"""How values are shown on pages: states in words and signs, times, commands within sentences."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from markupsafe import Markup

from stronghouse.access.permissions import Permission
from stronghouse.access.roles.system import SYSTEM_ROLES
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import parse_rfc3339, rfc3339
from stronghouse.responsibility.derivation import in_words
from stronghouse.services.access_preview import sources_of

WORDS = {
    "pass": "proven",
    "partial": "partly proven",
    "accepted": "accepted",
    "fail": "failing",
    "error": "check failed",
    "stale": "out of date",
    "manual": "needs a person",
    "not_evidenced": "not evidenced",
    "not_applicable": "not applicable",
    "aws": "AWS",
    "gcp": "Google Cloud",
    "azure": "Azure",
    "own": "machines of one's own",
}
SIGNS = {
    "pass": "pass",
    "in_order": "pass",
    "running": "pass",
    "enabled": "pass",
    "success": "pass",
    "resolved": "pass",
    "done": "pass",
    "ready": "pass",
    "working": "pass",
    "fail": "fail",
    "error": "fail",
    "damaged": "fail",
    "failed": "fail",
    "failure": "fail",
    "failing": "fail",
    "critical": "fail",
    "high": "warn",
    "medium": "warn",
    "partial": "warn",
    "missing": "warn",
    "review_overdue": "clock",
    "not_reviewed": "clock",
    "denied": "warn",
    "stale": "clock",
    "overdue": "clock",
    "requested": "clock",
    "expired": "clock",
    "expiring": "clock",
    "manual": "person",
    "accepted": "accepted",
    "not_applicable": "minus",
    "stopped": "minus",
    "disabled": "minus",
    "idle": "idle",
    "provisioning": "moving",
    "starting": "moving",
    "awaking": "moving",
    "stopping": "moving",
    "terminating": "moving",
    "in_progress": "moving",
    "building": "moving",
    "triaged": "person",
    "task": "person",
}
"""The icon of each state: whoever does not see its colour sees its shape."""
KIB = 1024
_CODE = re.compile(r"`([^`]+)`")


def word(state: object) -> str:
    """A state, kind or status in words."""
    return WORDS.get(str(state), str(state).replace("_", " "))


def sign(state: object) -> str:
    """The icon that goes with a state."""
    return SIGNS.get(str(state), "none")


def granted_by(permission: Permission) -> str:
    """Which of the system's roles give a permission, as a sentence; one of them always does."""
    *others, last = (role.name for role in SYSTEM_ROLES.values() if permission in role.permissions)
    names = f"{', '.join(others)} or {last}" if others else last
    return f"This takes the permission {permission.value}, which the role {names} gives."


def with_code(sentence: str | None) -> Markup:
    """A sentence in which what stands between backticks is shown as code."""
    parts = _CODE.split(sentence or "")
    shown = [
        Markup("<code>{}</code>").format(part) if at % 2 else Markup("{}").format(part) for at, part in enumerate(parts)
    ]
    return Markup("").join(shown)


def moment(value: str | datetime | None, now: datetime) -> Markup | str:
    """A time as its distance from now, with the absolute time behind it."""
    if value is None:
        return "never"
    when = parse_rfc3339(value) if isinstance(value, str) else value
    distance = in_words(abs(now - when))
    text = f"{distance} ago" if when <= now else f"in {distance}"
    absolute = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(rfc3339(when), absolute, text)


def pretty(document: Json) -> str:
    """A JSON document for people."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < KIB:
        return f"{count} bytes"
    return f"{count / KIB:.0f} KiB" if count < KIB**2 else f"{count / KIB**2:.1f} MiB"


def own_sources(address: str) -> str:
    """The entries of an access list that let in this address, in words."""
    return " and ".join(one.source for one in sources_of(address, ""))


FILTERS: Mapping[str, Callable[..., object]] = {
    "word": word,
    "sign": sign,
    "granted_by": granted_by,
    "with_code": with_code,
    "moment": moment,
    "pretty": pretty,
    "size": size,
    "own_sources": own_sources,
}
"""Filters of the templates."""
