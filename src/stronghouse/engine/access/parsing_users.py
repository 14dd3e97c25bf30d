"""Reading CREATE and ALTER of users, roles and settings profiles."""

from stronghouse.engine.access.parsing_targets import (
    default_roles,
    existing,
    new_name_in_string,
    optional_targets,
    setting_changes,
    settings,
)
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import (
    AlterProfile,
    AlterRole,
    AlterUser,
    CreateProfile,
    CreateRole,
    CreateUser,
    NewMethod,
)
from stronghouse.engine.tokens import Kind

_WITHOUT_SECRET = "no_password"  # noqa: S105 - the name of a method
_WITH_SECRET = (
    "plaintext_password",
    "sha256_password",
    "sha256_hash",
    "double_sha1_password",
    "double_sha1_hash",
    "bcrypt_password",
    "bcrypt_hash",
    "scram_sha256_password",
    "scram_sha256_hash",
)


def create_user(reader: Reader) -> CreateUser:
    """Read what follows CREATE USER."""
    exists = existing(reader)
    names = reader.listed(reader.new_name)
    methods = _methods(reader) if reader.take("IDENTIFIED") else ()
    return CreateUser(
        names=names,
        existing=exists,
        methods=methods,
        valid_until=_valid_until(reader),
        hosts=_hosts(reader, "HOST"),
        default_database=_default_database(reader),
        roles=reader.listed(reader.name) if reader.take("ROLE") else (),
        default_roles=default_roles(reader),
        settings=settings(reader, profile="PROFILE"),
        grantees=optional_targets(reader, "GRANTEES", everybody="ANY"),
    )


def alter_user(reader: Reader) -> AlterUser:
    """Read what follows ALTER USER."""
    if_exists = reader.take("IF", "EXISTS")
    current_user = reader.take("CURRENT_USER")
    names = () if current_user else reader.listed(reader.new_name)
    new_name = new_name_in_string(reader)
    add_methods = reader.take("ADD", "IDENTIFIED")
    methods = _methods(reader) if add_methods or reader.take("IDENTIFIED") else ()
    return AlterUser(
        names=names,
        current_user=current_user,
        if_exists=if_exists,
        new_name=new_name,
        methods=methods,
        add_methods=add_methods,
        valid_until=_valid_until(reader),
        hosts=_hosts(reader, "HOST"),
        add_hosts=_hosts(reader, "ADD", "HOST") or (),
        drop_hosts=_hosts(reader, "DROP", "HOST") or (),
        default_database=_default_database(reader),
        default_roles=default_roles(reader),
        settings=setting_changes(reader),
        grantees=optional_targets(reader, "GRANTEES", everybody="ANY"),
        reset_methods=reader.take("RESET", "AUTHENTICATION", "METHODS", "TO", "NEW"),
    )


def create_role(reader: Reader) -> CreateRole:
    """Read what follows CREATE ROLE."""
    exists = existing(reader)
    return CreateRole(reader.listed(reader.new_name), exists, settings(reader, profile="PROFILE"))


def alter_role(reader: Reader) -> AlterRole:
    """Read what follows ALTER ROLE."""
    if_exists = reader.take("IF", "EXISTS")
    return AlterRole(reader.listed(reader.name), if_exists, new_name_in_string(reader), setting_changes(reader))


def create_profile(reader: Reader) -> CreateProfile:
    """Read what follows CREATE SETTINGS PROFILE."""
    exists = existing(reader)
    names = reader.listed(reader.new_name)
    return CreateProfile(names, exists, settings(reader, profile="INHERIT"), optional_targets(reader, "TO"))


def alter_profile(reader: Reader) -> AlterProfile:
    """Read what follows ALTER SETTINGS PROFILE."""
    if_exists = reader.take("IF", "EXISTS")
    names = reader.listed(reader.name)
    return AlterProfile(
        names, if_exists, new_name_in_string(reader), setting_changes(reader), optional_targets(reader, "TO")
    )


def _methods(reader: Reader) -> tuple[NewMethod, ...]:
    """Read ways to sign in; only the first has WITH before its kind."""
    first = _method(reader) if reader.take("WITH") else _method(reader, kind="")
    return (first, *reader.listed(lambda: _method(reader))) if reader.take(",") else (first,)


def _method(reader: Reader, kind: str | None = None) -> NewMethod:
    if kind is None:
        kind = "" if reader.at("BY") else reader.name()
    if kind == _WITHOUT_SECRET:
        return NewMethod(kind, valid_until=_valid_until(reader))
    if kind not in {"", *_WITH_SECRET}:
        reader.refuse("This authentication method is not supported in this service.")
    reader.need("BY")
    secret = reader.string()
    salt = reader.string() if reader.take("SALT") else None
    return NewMethod(kind, secret, salt, _valid_until(reader))


def _valid_until(reader: Reader) -> str | None:
    if reader.at("VALID", "FOR"):
        reader.refuse("VALID FOR is not supported in this service: use VALID UNTIL.")
    return reader.string() if reader.take("VALID", "UNTIL") else None


def _hosts(reader: Reader, *before: str) -> tuple[str, ...] | None:
    if not reader.take(*before):
        return None
    if reader.take("NONE"):
        return ()
    return reader.listed(lambda: _host(reader))


def _host(reader: Reader) -> str:
    word = reader.one_of("ANY", "LOCAL")
    if word is not None:
        return word
    if reader.one_of("NAME", "REGEXP", "LIKE") is not None:
        reader.refuse("HOST NAME, REGEXP and LIKE are not supported in this service: use HOST IP or LOCAL.")
    # The engine writes IP once, before the first of several addresses.
    if not reader.take("IP") and (reader.ended or reader.remaining[0].kind is not Kind.STRING):
        reader.refuse()
    address = reader.string()
    if "." in address.partition("/")[2]:
        reader.refuse("Host masks that are no prefix are not supported in this service.")
    return address


def _default_database(reader: Reader) -> str | None:
    if not reader.take("DEFAULT", "DATABASE"):
        return None
    return "" if reader.take("NONE") else reader.any_name()
