"""What may be done with a sign-in policy: change it."""

import dataclasses
from typing import Any

from stronghouse.access.sign_in_policy import store
from stronghouse.access.sign_in_policy.events import SignInPolicyChanged
from stronghouse.access.sign_in_policy.model import SignInPolicy, checked
from stronghouse.audit.unit_of_work import UnitOfWork


def change_policy(
    uow: UnitOfWork,
    *,
    organization_id: str,
    second_factor_required: bool | None = None,
    idle_minutes: int | None = None,
    absolute_minutes: int | None = None,
) -> SignInPolicy:
    """Change what is given, and leave the rest; what is the same already is not recorded.

    Raises:
        Invalid: a time is outside its bounds, or the idle timeout is longer than the absolute one.
    """
    before = store.policy_of(uow.connection, organization_id)
    given: dict[str, Any] = {
        "second_factor_required": second_factor_required,
        "idle_minutes": idle_minutes,
        "absolute_minutes": absolute_minutes,
    }
    after = checked(dataclasses.replace(before, **{name: one for name, one in given.items() if one is not None}))
    if after != before:
        store.replace(uow.connection, after, organization_id=organization_id)
        uow.record(
            SignInPolicyChanged(
                organization_id=organization_id,
                **{f"{name}_before": value for name, value in before.__dict__.items()},
                **{f"{name}_after": value for name, value in after.__dict__.items()},
            )
        )
    return after
