"""Reading CREATE and ALTER of quotas."""

from stronghouse.engine.access.catalogue import QuotaKey
from stronghouse.engine.access.notation import UNITS
from stronghouse.engine.access.parsing_targets import existing, new_name, optional_targets
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import AlterQuota, CreateQuota, NewInterval

_KEYS: tuple[QuotaKey, ...] = ("user_name", "ip_address", "forwarded_ip_address", "client_key")


def create_quota(reader: Reader) -> CreateQuota:
    """Read what follows CREATE QUOTA."""
    exists = existing(reader)
    names = reader.listed(reader.new_name)
    return CreateQuota(names, exists, _key(reader), _intervals(reader), optional_targets(reader, "TO"))


def alter_quota(reader: Reader) -> AlterQuota:
    """Read what follows ALTER QUOTA."""
    if_exists = reader.take("IF", "EXISTS")
    names = reader.listed(reader.name)
    name = new_name(reader)
    return AlterQuota(names, if_exists, name, _key(reader), _intervals(reader), optional_targets(reader, "TO"))


def _key(reader: Reader) -> QuotaKey | None:
    if reader.take("NOT", "KEYED"):
        return "none"
    if not reader.take("KEYED", "BY"):
        return None
    key = next((key for key in _KEYS if reader.take(key)), None)
    if key is None or reader.at(","):
        reader.refuse("Quotas can be keyed by user_name, ip_address, forwarded_ip_address or client_key here.")
    return key


def _intervals(reader: Reader) -> tuple[NewInterval, ...]:
    return reader.listed(lambda: _interval(reader)) if reader.at("FOR") else ()


def _interval(reader: Reader) -> NewInterval:
    reader.need("FOR")
    randomized = reader.take("RANDOMIZED")
    reader.need("INTERVAL")
    count = reader.number()
    unit = reader.one_of(*UNITS)
    if unit is None or not count.isdecimal():
        reader.refuse()
    return NewInterval(int(count) * UNITS[unit], randomized, _limits(reader))


def _limits(reader: Reader) -> tuple[tuple[str, str], ...] | None:
    if reader.take("NO", "LIMITS"):
        return None
    if reader.take("TRACKING", "ONLY"):
        return ()
    reader.need("MAX")
    return reader.listed(lambda: _limit(reader), until=("FOR",))


def _limit(reader: Reader) -> tuple[str, str]:
    name = reader.name()
    reader.need("=")
    return name, reader.number()
