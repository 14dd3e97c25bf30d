"""The engine knows everybody as `default` and by ids; what a client reads has the real names."""

import re

from stronghouse.engine.access.engine_roles import OWN_DATABASE
from stronghouse.engine.access.rendering import EVERYTHING
from stronghouse.worker.caller import Caller

_ENGINE_NAME = re.compile(r"\b([udr])_([0-9a-f]{16})\b")
_NO_DEFINER = re.compile(r"There is no user `d_([0-9a-f]{16})` in `user directories`")
_OWN_TABLE = re.compile(rf"`?\b{OWN_DATABASE}`?\.`?(\w+)`?")
"""Behind tables of `system` there are ours of the same names."""

_NESTED = re.compile(r"Code: \d+\. DB::Exception: (?P<message>.*) \([A-Z][A-Z0-9_]+\) \(version [^()]*\)\.?", re.DOTALL)
"""An error that the engine quotes whole within another of the same kind, for one: of settings in a query."""

_IN_POLICY = re.compile(rf"\.? In scope [( ]*NOT has\(currentRoles\(\), '{EVERYTHING}'\).*", re.DOTALL)
"""The filter that all row policies of a table make: others' conditions are nobody's business."""


def with_real_names(message: str, caller: Caller) -> str:
    """An error's text with the caller's name in place of the engine's user, and names in place of ids."""
    nested = _NESTED.fullmatch(message)
    message = nested["message"] if nested is not None else message
    if message.startswith("default: "):
        message = f"{caller.user.name}: {message.removeprefix('default: ')}"
    if "_" in message:
        message = _IN_POLICY.sub(", in the condition of a row policy", message)
        message = _NO_DEFINER.sub(lambda match: _no_definer(match[1], caller), message)
        message = _ENGINE_NAME.sub(lambda match: _name(match, caller), message)
    return _OWN_TABLE.sub(r"system.\1", message)


def _no_definer(number: str, caller: Caller) -> str:
    """There is an engine's user for whoever can create views: see `rendering.may_create_views`."""
    user = caller.catalogue.users.get(number)
    if user is None:
        return "The user whom the view runs as, its definer, is gone"
    return f"The view runs as its definer `{user.name}`, who may not create views any more"


def _name(match: re.Match[str], caller: Caller) -> str:
    kind, number = match.groups()
    known = caller.catalogue.roles if kind == "r" else caller.catalogue.users
    found = known.get(number)
    return found.name if found is not None else match[0]
