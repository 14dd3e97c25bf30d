"""Guidance as JSON: the same document for API, command line and console."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.responsibility.guidance.actions import refusal
from stronghouse.responsibility.guidance.comparison import Advice
from stronghouse.responsibility.guidance.model import AdviceState, Caller, Change, Choice, Declined, Profile


def profile_view(profile: Profile) -> dict[str, Json]:
    """What a profile is."""
    return {
        "id": profile.id,
        "title": profile.title,
        "for": profile.audience,
        "threat": profile.threat,
        "inherits": profile.inherits,
        "settings": [
            {
                "id": desired.setting.id,
                "title": desired.setting.title,
                "value": desired.rule.value,
                "wanted": desired.rule.wanted,
                "why": desired.why,
                "costs": desired.costs,
            }
            for desired in profile.settings.values()
        ],
        "controls": [{"id": control, "why": why} for control, why in profile.controls.items()],
    }


def choice_view(choice: Choice | None, profiles: Mapping[str, Profile]) -> Json:
    """What was chosen, when and by whom; null if nothing, or if this version has no such profile any more."""
    if choice is None or choice.profile not in profiles:
        return None
    return {
        "profile": choice.profile,
        "chosenAt": rfc3339(choice.chosen_at),
        "chosenBy": {"type": choice.actor_type, "id": choice.actor_id, "details": choice.actor_details},
    }


def declined_view(declined: Declined, now: datetime) -> dict[str, Json]:
    """Advice that was declined."""
    return {
        "id": declined.id,
        "advice": declined.advice,
        "reason": declined.reason,
        "declinedAt": rfc3339(declined.declined_at),
        "until": rfc3339(declined.until),
        "inForce": declined.declined_at <= now < declined.until,
        "declinedBy": {"type": declined.actor_type, "id": declined.actor_id, "details": declined.actor_details},
    }


def comparison_view(
    profile: Profile, advice: Iterable[Advice], *, organization_id: str, caller: Caller, chosen: bool, now: datetime
) -> dict[str, Json]:
    """The comparison with a profile, with the plan and blast radius of what can be applied."""
    listed = list(advice)
    different = {one.difference.setting for one in listed} | {one.difference.found.resource for one in listed}
    followed: list[Json] = [
        {"id": desired.setting.id, "title": desired.setting.title, "wanted": desired.rule.wanted}
        for desired in profile.settings.values()
        if desired.setting.id not in different
    ]
    followed += [
        {"id": f"control/{control}", "title": "A required control is proven", "wanted": "The control is proven"}
        for control in profile.controls
        if control not in different
    ]
    states = Counter(one.state for one in listed)
    return {
        "profile": profile_view(profile),
        "organizationId": organization_id,
        "generatedAt": rfc3339(now),
        "chosen": chosen,
        "summary": {"followed": len(followed), **{state.value: states[state] for state in AdviceState}},
        "differences": [_advice_view(one, caller, organization_id, now) for one in listed],
        "followed": followed,
    }


def _advice_view(advice: Advice, caller: Caller, organization_id: str, now: datetime) -> dict[str, Json]:
    difference, found = advice.difference, advice.difference.found
    task: Json = None
    if advice.task is not None:
        task = {
            "findingId": advice.task.finding_id,
            "openedAt": rfc3339(advice.task.opened_at),
            "dueAt": None if advice.due_at is None else rfc3339(advice.due_at),
        }
    return {
        "id": difference.id,
        "setting": difference.setting,
        "title": difference.title,
        "severity": difference.severity.value,
        "resource": found.resource,
        "name": found.name,
        "is": found.is_now,
        "wanted": difference.wanted,
        "why": difference.why,
        "costs": difference.costs,
        "act": "person" if found.change is None else "apply",
        "remediation": found.remediation,
        "plan": None if found.change is None else _plan(found.change, difference.before_hash, caller, organization_id),
        "state": advice.state.value,
        "declined": None if advice.declined is None else declined_view(advice.declined, now),
        "task": task,
    }


def _plan(change: Change, before_hash: str | None, caller: Caller, organization_id: str) -> Json:
    return {
        "before": change.before(),
        "after": change.after(),
        "beforeHash": before_hash,
        "loses": [*change.loses()],
        "permission": change.permission.value,
        "refusedBecause": refusal(change, caller, organization_id),
    }
