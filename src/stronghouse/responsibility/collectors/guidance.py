"""Compares each organization with the profile of settings that it chose."""

from collections.abc import Mapping

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.organizations.store import every_organization
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.guidance import store
from stronghouse.responsibility.guidance.comparison import Controls, advise, read_state
from stronghouse.responsibility.guidance.model import AdviceState, Profile

VERSION = 1
METHOD = (
    "Each organization's services, API keys and members are read from the control plane's database and compared with "
    "the profile that it chose, as `stronghouse advise PROFILE` does."
)
MAX_LISTED = 50
UNANSWERED = frozenset({AdviceState.OPEN, AdviceState.OVERDUE})


def collect_guidance(
    connection: Connection, *, profiles: Mapping[str, Profile], controls: Controls, clock: Clock
) -> Facts:
    """Facts about every organization as it stands in `connection`'s snapshot."""
    now = clock.now()
    resources = []
    for organization in every_organization(connection):
        state = read_state(connection, organization_id=organization.id, catalogue=controls.catalogue, now=now)
        choice = store.find_choice(connection, organization.id)
        profile = profiles.get(choice.profile) if choice else None
        advice = []
        if profile is not None:
            advice = advise(connection, organization_id=organization.id, profile=profile, controls=controls, now=now)
        counted: dict[str, Json] = {one.value: sum(a.state is one for a in advice) for one in AdviceState}
        unanswered = [one for one in advice if one.state in UNANSWERED]
        listed: list[Json] = [
            f"{one.difference.id} ({one.state}): {one.difference.found.is_now}" for one in unanswered[:MAX_LISTED]
        ]
        resources.append(
            Resource(
                {
                    "id": f"guidance/{organization.id}",
                    "kind": "guidance",
                    "organization_id": organization.id,
                    "subjects": len(state.services) + len(state.keys) + len(state.members),
                    "profile": None if profile is None else profile.id,
                    "offered": [*profiles],
                    "settings": 0 if profile is None else len(profile.settings) + len(profile.controls),
                    "differences": counted,
                    "unanswered_count": len(unanswered),
                    "unanswered": listed,
                }
            )
        )
    return Facts(
        collector="guidance",
        version=VERSION,
        method=METHOD,
        target="settings of every organization",
        collected_at=now,
        resources=tuple(resources),
    )
