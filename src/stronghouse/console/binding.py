"""What proves that a request comes from a page of this origin, and not from somebody who was sent its cookie.

Whatever answers on another port of this host is sent our cookie by the browser. So a script of ours makes a secret at
sign-in and keeps it in storage that belongs to this origin, port and all. Every form carries that secret, and the
cookie is good for a minute unless a page that knows the secret has it renewed.
"""

from collections.abc import Mapping

from starlette.datastructures import FormData
from starlette.requests import Request

from stronghouse.access.authentication import UserCaller
from stronghouse.console.protection import SAFE_METHODS
from stronghouse.kernel.errors import Unauthenticated
from stronghouse.kernel.secret import Secret

FIELD = "binding"
FORM_WITH_FILES = "multipart/form-data"
MAX_BINDING = 128


class TokenStale(Unauthenticated):
    """The cookie is past its minute: a page of this origin has to renew it. Code: `token_stale`."""


async def take_binding(request: Request) -> None:
    """A dependency of every route: put the form's secret where `state.visit` finds it.

    Forms with files are read piece by piece; their handlers find it among the fields.
    """
    request.state.binding = None
    if request.method in SAFE_METHODS or may_hold_files(request):
        return
    form: FormData = await request.form()
    request.state.binding = binding_in(form)


def may_hold_files(request: Request) -> bool:
    """Whether a form is of the kind that files come in. Where nobody reads it piece by piece, it shows no secret."""
    return FORM_WITH_FILES in request.headers.get("content-type", "").lower()


def binding_in(fields: Mapping[str, object]) -> Secret | None:
    """The secret among a form's fields; None if there is none, or what cannot be one."""
    value = fields.get(FIELD)
    return Secret(value) if isinstance(value, str) and 0 < len(value) <= MAX_BINDING else None


def check_reading(caller: UserCaller) -> None:
    """Raise TokenStale for a cookie that is past its minute."""
    if not caller.token_is_fresh:
        raise TokenStale("This page has to prove that it is yours.", code="token_stale")
