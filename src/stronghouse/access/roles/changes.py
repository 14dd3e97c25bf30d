"""What a change of roles, or of who holds them, may not do.

- Nobody gives what they do not hold, to others or to themselves, whichever way: by a role's policies, by leaving out a
  policy that denies, by handing out a role.
- Nobody changes somebody who may do more than they.
- Nobody takes from themselves the permission by which they make the change.
- An organization that has an administrator among its members keeps one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stronghouse.access.model import Principal
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import Rights
from stronghouse.access.roles.store import Holder
from stronghouse.access.roles.system import Roles, administers, rights
from stronghouse.audit.event import ActorType
from stronghouse.kernel.errors import Conflict, Denied


@dataclass(frozen=True)
class Standing:
    """The roles of an organization and who holds them, at one moment."""

    roles: Roles
    holders: Mapping[str, Holder]
    _known: dict[frozenset[str], Rights] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, roles: Roles, holders: Iterable[Holder]) -> "Standing":
        """From what the tables hold."""
        return cls(roles, {one.actor: one for one in holders})

    def rights(self, actor: str) -> Rights:
        """What a holder may do; nothing for one that is not there."""
        holder = self.holders.get(actor)
        return self._rights(() if holder is None else holder.role_ids)

    @property
    def has_administrator(self) -> bool:
        """Whether a member, who unlike a key can sign in, runs the organization."""
        people = (one for one in self.holders.values() if one.kind == "user")
        return any(administers(self._rights(one.role_ids)) for one in people)

    def _rights(self, role_ids: tuple[str, ...]) -> Rights:
        """Many hold the same roles: what those allow is found once."""
        held = frozenset(role_ids)
        if held not in self._known:
            self._known[held] = rights(self.roles, held)
        return self._known[held]


def check_given(given: Rights, *, organization_id: str, giver: Principal | None) -> None:
    """Raise Denied unless `giver` holds all that they give; None is the installation itself."""
    if giver is None:
        return
    missing = giver.rights_in(organization_id).lacking(given)
    if missing is not None:
        raise Denied(f"You cannot give what you do not hold: {missing}.", code="grant_exceeds_own")


def check_change(
    before: Standing, after: Standing, *, organization_id: str, editor: Principal | None, needed: Permission
) -> None:
    """Check what a change would bring about; `editor` None is the installation itself, which may all but the last.

    Raises:
        Denied: it would give more than the editor holds, or it touches somebody who may do more.
        Conflict: it would end the editor's own right to make it, or leave no administrator.
    """
    if editor is not None:
        _check_reach(before, after, organization_id=organization_id, editor=editor)
        own = actor_of(editor)
        if own in before.holders and not after.rights(own).may(needed):
            raise Conflict(
                f"This would take {needed.value} from yourself, by which you do it; let somebody else do it.",
                code="own_access",
            )
    if before.has_administrator and not after.has_administrator:
        raise Conflict(
            "This would leave the organization without a member who administers it; make another one first.",
            code="last_administrator",
        )


def actor_of(principal: Principal) -> str:
    """Who a principal is among the holders of roles."""
    return f"{'apiKey' if principal.actor.type is ActorType.API_KEY else 'user'}/{principal.actor.id}"


def _check_reach(before: Standing, after: Standing, *, organization_id: str, editor: Principal) -> None:
    own = editor.rights_in(organization_id)
    for actor in {*before.holders, *after.holders}:
        held, holds = before.rights(actor), after.rights(actor)
        if held == holds and before.holders.get(actor) == after.holders.get(actor):
            continue
        gained = own.lacking(holds, beyond=held)
        if gained is not None:
            raise Denied(f"You cannot give what you do not hold: {gained}.", code="grant_exceeds_own")
        more = own.lacking(held)
        if more is not None and actor != actor_of(editor):
            raise Denied(f"You cannot change somebody who may do more than you: {more}.", code="holder_exceeds_own")
