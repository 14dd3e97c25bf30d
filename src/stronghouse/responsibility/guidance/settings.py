"""The registry of settings that can be compared. Each one can be observed in this version; none does nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from stronghouse.access.model import ApiKey, Source
from stronghouse.access.roles.system import administers, rights
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import IPNetwork, parse_source
from stronghouse.responsibility.guidance.changes import DisableKey, ExpireKey, NarrowKey, NarrowService, key_in_words
from stronghouse.responsibility.guidance.model import ORGANIZATION, Found, Rule, Setting, State
from stronghouse.responsibility.model import Severity
from stronghouse.services.model import Service, Wanted

MAX_DAYS = 3650
MAX_COUNT = 1000
BITS = {4: 32, 6: 128}
PRIVATE = tuple(
    parse_source(block)
    for block in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",  # RFC 1122, this machine
        "169.254.0.0/16",  # RFC 3927, this link
        "100.64.0.0/10",  # RFC 6598, behind a carrier's translation
        "::1/128",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
    )
)
_Wide = Callable[[Source], bool]


def _too_wide(value: Json) -> tuple[_Wide, str, tuple[int, int]]:
    """A test of an entry against `{ipv4 = 24, ipv6 = 64}`: the shortest prefixes that are allowed.

    Loopback blocks pass whatever their length: they let in nothing but the machine itself.
    """
    if not isinstance(value, dict) or set(value) != {"ipv4", "ipv6"}:
        raise Invalid("The value is a table of ipv4 and ipv6 prefix lengths.")
    least = {4: _within(value["ipv4"], 1, BITS[4]), 6: _within(value["ipv6"], 1, BITS[6])}

    def wide(entry: Source) -> bool:
        block = parse_source(entry.source)
        return not block.is_loopback and block.prefixlen < least[block.version]

    words = f"no block wider than /{least[4]} (IPv4) or /{least[6]} (IPv6)"
    return wide, words, (least[4], least[6])


def _public(entry: Source) -> bool:
    """Whether a block reaches beyond the ranges that are not routed on the Internet."""
    block = parse_source(entry.source)
    return not any(_inside(block, private) for private in PRIVATE)


def _inside(block: IPNetwork, outer: IPNetwork) -> bool:
    # Not `is_private`: it looks at a block's two ends only, and calls 0.0.0.0/1 private.
    if isinstance(block, IPv4Network) and isinstance(outer, IPv4Network):
        return block.subnet_of(outer)
    return isinstance(block, IPv6Network) and isinstance(outer, IPv6Network) and block.subnet_of(outer)


def _within(value: Json, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Invalid(f"The value is a whole number from {low} to {high}.")
    return value


def _true(value: Json) -> None:
    if value is not True:
        raise Invalid("The value is true; leave the setting out to ask for nothing.")


def _services(state: State) -> Iterator[Service]:
    return (service for service in state.services if service.wanted is not Wanted.DELETED)


def _working(state: State) -> Iterator[ApiKey]:
    """The keys that can be used: neither switched off nor expired."""
    for key in state.keys:
        if key.state == "enabled" and (key.expires_at is None or key.expires_at > state.now):
            yield key


def _list(entries: Iterable[Source]) -> str:
    return ", ".join(entry.source for entry in entries)


def _narrowed_service(service: Service, unwanted: _Wide, what: str) -> Iterator[Found]:
    remove = tuple(entry for entry in service.ip_access if unwanted(entry))
    if remove:
        yield Found(
            f"service/{service.id}",
            service.name,
            f"Its IP access list holds {what}: {_list(remove)}.",
            f"List what is needed with `stronghouse service update {service.id} --add-ip BLOCK --remove-ip BLOCK`.",
            NarrowService(service, remove),
        )


def _narrowed_key(key: ApiKey, unwanted: _Wide, what: str) -> Iterator[Found]:
    remove = tuple(entry for entry in key.ip_access if unwanted(entry))
    if remove:
        yield Found(
            f"key/{key.id}",
            key.name,
            f"Its IP access list holds {what}: {_list(remove)}.",
            f"List what is needed with `stronghouse key update {key.id} --ip BLOCK`.",
            NarrowKey(key, remove),
        )


def _service_widest(value: Json) -> Rule:
    wide, words, strictness = _too_wide(value)
    return Rule(
        value,
        f"An IP access list with {words}",
        strictness,
        lambda state: (
            found for service in _services(state) for found in _narrowed_service(service, wide, "blocks too wide")
        ),
    )


def _service_private(value: Json) -> Rule:
    _true(value)
    return Rule(
        value,
        "An IP access list with private addresses only",
        (1,),
        lambda state: (
            found for service in _services(state) for found in _narrowed_service(service, _public, "public addresses")
        ),
    )


def _service_stopped_closed(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        for service in _services(state):
            if service.wanted is Wanted.STOPPED:
                yield from _narrowed_service(service, lambda _: True, "addresses although it is stopped")

    return Rule(value, "A stopped service lets nobody in when it is started again", (1,), find)


def _service_described(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        for service in _services(state):
            bare = [entry for entry in service.ip_access if not entry.description.strip()]
            if bare:
                yield Found(
                    f"service/{service.id}",
                    service.name,
                    f"Its IP access list does not say who these are: {_list(bare)}.",
                    f"Say who with `stronghouse service update {service.id} --add-ip {bare[0].source}=WHO`.",
                )

    return Rule(value, "Each entry of an IP access list says whom it lets in", (1,), find)


def _key_expires(value: Json) -> Rule:
    days = _within(value, 1, MAX_DAYS)

    def find(state: State) -> Iterator[Found]:
        latest = state.now + timedelta(days=days)
        for key in _working(state):
            if key.expires_at is None or key.expires_at > latest:
                ends = "It never expires." if key.expires_at is None else f"It expires {key.expires_at.date()}."
                yield Found(
                    f"key/{key.id}",
                    key.name,
                    ends,
                    f"Give it an end with `stronghouse key update {key.id} --expires {_midnight(latest).date()}"
                    "T00:00:00Z`.",
                    ExpireKey(key, _midnight(latest)),
                )

    return Rule(value, f"An end within {days} days", (-days,), find)


def _midnight(moment: datetime) -> datetime:
    """The last midnight (UTC), so that a plan reads the same all day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _key_widest(value: Json) -> Rule:
    wide, words, strictness = _too_wide(value)
    return Rule(
        value,
        f"An IP access list with {words}",
        strictness,
        lambda state: (found for key in _working(state) for found in _narrowed_key(key, wide, "blocks too wide")),
    )


def _key_private(value: Json) -> Rule:
    _true(value)
    return Rule(
        value,
        "An IP access list with private addresses only",
        (1,),
        lambda state: (found for key in _working(state) for found in _narrowed_key(key, _public, "public addresses")),
    )


def _key_used(value: Json) -> Rule:
    days = _within(value, 1, MAX_DAYS)

    def find(state: State) -> Iterator[Found]:
        for key in _working(state):
            last = key.used_at or key.created_at
            if state.now - last > timedelta(days=days):
                never = f"It was never used since {last.date()}."
                yield Found(
                    f"key/{key.id}",
                    key.name,
                    never if key.used_at is None else f"It was used last on {last.date()}.",
                    f"Switch it off with `stronghouse key update {key.id} --state disabled`.",
                    DisableKey(key),
                )

    return Rule(value, f"Used within {days} days, or switched off", (-days,), find)


def _key_age(value: Json) -> Rule:
    days = _within(value, 1, MAX_DAYS)

    def find(state: State) -> Iterator[Found]:
        for key in _working(state):
            if state.now - key.created_at > timedelta(days=days):
                yield Found(
                    f"key/{key.id}",
                    key.name,
                    f"Its secret is of {key.created_at.date()}.",
                    "Make a new key with `stronghouse key create`, put it where this one is used, and then delete this "
                    f"one with `stronghouse key delete {key.id}`.",
                )

    return Rule(value, f"A secret at most {days} days old", (-days,), find)


def _listed(keys: list[ApiKey]) -> str:
    return "; ".join(key_in_words(key) for key in keys[:5])


def _key_admins(value: Json) -> Rule:
    most = _within(value, 1, MAX_COUNT)

    def find(state: State) -> Iterator[Found]:
        admins = [key for key in _working(state) if administers(rights(state.roles, key.role_ids))]
        if len(admins) > most:
            yield Found(
                ORGANIZATION,
                "the organization's API keys",
                f"{len(admins)} keys administer the organization: {_listed(admins)}.",
                "Give those that need less another role with `stronghouse key update ID --role developer`.",
            )

    return Rule(value, f"At most {most} API keys that may administer the organization", (-most,), find)


def _member_admins(value: Json) -> Rule:
    most = _within(value, 1, MAX_COUNT)

    def find(state: State) -> Iterator[Found]:
        admins = [member.user.email for member in state.members if administers(rights(state.roles, member.role_ids))]
        if len(admins) > most:
            yield Found(
                ORGANIZATION,
                "the organization's members",
                f"{len(admins)} members are administrators: {', '.join(admins[:10])}.",
                "Agree on who has to be an administrator and take the role from the others.",
            )

    return Rule(value, f"At most {most} administrators", (-most,), find)


def _member_password(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        for member in state.members:
            if member.user.password_hash is None:
                yield Found(
                    f"member/{member.user.id}",
                    member.user.email,
                    f"They sign in with one-time links only; {member.open_links} unused ones still work.",
                    "Sign in to the console with a link from `stronghouse sign-in-link` and set a password there; "
                    "unused links end with it.",
                )

    return Rule(value, "Every member has a password of their own", (1,), find)


def _accountable(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        members = {member.user.id for member in state.members}
        bare = [row for row in state.rows if state.accountable.get(row) not in members]
        if bare:
            shown = ", ".join(bare[:5]) + (" and others" if len(bare) > 5 else "")  # noqa: PLR2004 - enough to begin
            yield Found(
                ORGANIZATION,
                "the responsibility matrix",
                f"Nobody answers for {len(bare)} of {len(state.rows)} responsibilities: {shown}.",
                f"Name a member who answers for each with `stronghouse responsibility assign {bare[0]} EMAIL`.",
            )

    return Rule(value, "A named member answers for every responsibility", (1,), find)


def _notified(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        if not any(channel.state == "working" for channel in state.channels):
            there = ", ".join(f"{channel.name} is {channel.state}" for channel in state.channels)
            yield Found(
                "organization/notifications",
                "the notification channels",
                f"No channel is known to work: {there or 'there is none'}.",
                "Add one with `stronghouse notification add NAME` and try it with `stronghouse notification test "
                "NAME`.",
            )

    return Rule(value, "A notification channel whose last delivery worked", (1,), find)


def _hosting(value: Json) -> Rule:
    _true(value)

    def find(state: State) -> Iterator[Found]:
        for region in sorted({service.region for service in _services(state)} - state.hosted):
            yield Found(
                f"region/{region}",
                region,
                "Nobody declared who carries the machines that the services there run on.",
                f"Who operates the installation declares it with `stronghouse document hosting {region} PROVIDER`.",
            )

    return Rule(value, "It is declared who carries the machines of each region in use", (1,), find)


_ALL = (
    Setting("service.access.widest", "How much a service lets in by one entry", Severity.HIGH, _service_widest),
    Setting("service.access.private", "Services are reached from private addresses", Severity.HIGH, _service_private),
    Setting("service.access.described", "Access lists say whom they let in", Severity.LOW, _service_described),
    Setting("service.stopped.closed", "Stopped services are closed", Severity.LOW, _service_stopped_closed),
    Setting("key.expiry.days", "API keys come to an end", Severity.MEDIUM, _key_expires),
    Setting("key.access.widest", "From where an API key works by one entry", Severity.HIGH, _key_widest),
    Setting("key.access.private", "API keys work from private addresses", Severity.HIGH, _key_private),
    Setting("key.unused.days", "Unused API keys are switched off", Severity.MEDIUM, _key_used),
    Setting("key.age.days", "API keys are replaced", Severity.MEDIUM, _key_age),
    Setting("key.admins", "Few API keys are administrators", Severity.MEDIUM, _key_admins),
    Setting("member.admins", "Few people are administrators", Severity.MEDIUM, _member_admins),
    Setting("member.password", "People sign in with a password of their own", Severity.MEDIUM, _member_password),
    Setting("organization.accountable", "Someone answers for each responsibility", Severity.LOW, _accountable),
    Setting("organization.notified", "Somebody is told when something changes", Severity.MEDIUM, _notified),
    Setting("service.region.hosting", "It is known who carries the machines", Severity.MEDIUM, _hosting),
)
SETTINGS: Mapping[str, Setting] = {setting.id: setting for setting in _ALL}
"""Every setting that a profile may name."""
