"""What was wrong with a form, said at the fields that are to blame, so that the page is shown again with its inputs."""

from collections.abc import Mapping

from stronghouse.kernel.errors import Conflict, Denied, Invalid, StronghouseError, TooMany, Unauthenticated

REFUSALS = (Invalid, Unauthenticated, Denied, Conflict, TooMany)
"""After these the form is shown again; everything else has a page of its own."""
STATUS = {"invalid": 400, "unauthenticated": 403, "denied": 403, "conflict": 409, "too_many": 429}
PASSWORD = "current_password"  # noqa: S105 - a field's name
FIELDS = {
    "name_invalid": "name",
    "role_unknown": "role",
    "grant_exceeds_own": "role",
    "ip_access_invalid": "sources",
    "ip_access_too_long": "sources",
    "expiry_past": "last_day",
    "name_mismatch": "typed",
    "lifetime_exceeded": "last_day",
    "lifetime_invalid": "days",
    "email_invalid": "email",
    "member_exists": "email",
    "invitation_exists": "email",
    "step_up_failed": PASSWORD,
    "code_wrong": "code",
    "passkey_name_invalid": "passkey_name",
}
"""The field that is to blame, by the error's code."""


class Unfilled(Invalid):
    """Fields of a form are not as they have to be: all of them at once, so that nobody mends one after the other."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(dict.fromkeys(fields.values())), code="form_invalid")
        self.fields = dict(fields)


def problems_of(error: StronghouseError) -> dict[str, str]:
    """The sentence for each field that is to blame; under "" what no field is to blame for.

    Raises:
        StronghouseError: the error itself, when there is no session any more that the page could be shown to.
    """
    if error.code == "session_over":
        raise error
    return error.fields if isinstance(error, Unfilled) else {FIELDS.get(error.code, ""): error.public}


def status_of(error: StronghouseError) -> int:
    """The status of the page that says so: a wrong password in a session does not ask the browser to sign in."""
    return STATUS[error.kind]
