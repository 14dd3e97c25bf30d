"""Access statements out of the engine's canonical text.

The parser is total: it returns what the statement says or refuses it. Whatever it returns, `printing` writes back
identically, apart from the two spellings that mean the same (`Reader.respell`), so nothing was overlooked or guessed.
"""

from collections.abc import Callable, Sequence

from stronghouse.engine.access import parsing_grants, parsing_policies, parsing_quotas, parsing_shows, parsing_users
from stronghouse.engine.access.printing import print_statement
from stronghouse.engine.access.reader import Reader
from stronghouse.engine.access.statements import AccessStatement, Drop, Kind
from stronghouse.engine.tokens import Token, split

_Production = Callable[[Reader], AccessStatement]


def parse(canonical: str, tokens: Sequence[Token] | None = None) -> AccessStatement | None:
    """What an access statement says; None for any other statement.

    Args:
        canonical: the statement as the engine prints it.
        tokens: its tokens, if somebody has them.

    Raises:
        DatabaseError: 48, it is an access statement of a form that this service has not; 508, an unknown privilege.
    """
    reader = Reader(canonical, split(canonical) if tokens is None else tokens)
    if not any(map(reader.at, _FIRST_WORDS)):
        return None
    production = next((production for words, production in _PRODUCTIONS if reader.take(*words)), None)
    if production is None:
        return None
    if any(token.says("{") for token in reader.remaining):
        reader.refuse("Query parameters cannot stand in access statements in this service.")
    statement = production(reader)
    reader.end()
    if print_statement(statement) != reader.plain():
        reader.refuse()
    return statement


def _drop(kind: Kind) -> _Production:
    def production(reader: Reader) -> Drop:
        if_exists = reader.take("IF", "EXISTS")
        return Drop(kind, reader.listed(reader.name), if_exists)

    return production


def _refused(what: str) -> _Production:
    def production(reader: Reader) -> AccessStatement:
        reader.refuse(f"{what} is not supported in this service.")

    return production


_PRODUCTIONS: tuple[tuple[tuple[str, ...], _Production], ...] = (
    (("CREATE", "USER"), parsing_users.create_user),
    (("ALTER", "USER"), parsing_users.alter_user),
    (("CREATE", "ROLE"), parsing_users.create_role),
    (("ALTER", "ROLE"), parsing_users.alter_role),
    (("CREATE", "SETTINGS", "PROFILE"), parsing_users.create_profile),
    (("ALTER", "SETTINGS", "PROFILE"), parsing_users.alter_profile),
    (("CREATE", "ROW", "POLICY"), parsing_policies.create_policy),
    (("ALTER", "ROW", "POLICY"), parsing_policies.alter_policy),
    (("DROP", "ROW", "POLICY"), parsing_policies.drop_policies),
    (("CREATE", "QUOTA"), parsing_quotas.create_quota),
    (("ALTER", "QUOTA"), parsing_quotas.alter_quota),
    (("DROP", "USER"), _drop("USER")),
    (("DROP", "ROLE"), _drop("ROLE")),
    (("DROP", "SETTINGS", "PROFILE"), _drop("SETTINGS PROFILE")),
    (("DROP", "QUOTA"), _drop("QUOTA")),
    (("GRANT",), parsing_grants.grant),
    (("REVOKE",), parsing_grants.revoke),
    (("SET", "ROLE"), parsing_grants.set_role),
    (("SET", "DEFAULT", "ROLE"), parsing_grants.set_default_role),
    (("SHOW", "GRANTS"), parsing_shows.show_grants),
    (("SHOW", "CREATE", "ROW", "POLICY"), parsing_shows.show_create_policy),
    (("SHOW", "CREATE", "ROW", "POLICIES"), parsing_shows.show_create_policies),
    (("SHOW", "CREATE", "USER"), parsing_shows.show_create("USER")),
    (("SHOW", "CREATE", "USERS"), parsing_shows.show_create("USER", several=True)),
    (("SHOW", "CREATE", "ROLE"), parsing_shows.show_create("ROLE")),
    (("SHOW", "CREATE", "ROLES"), parsing_shows.show_create("ROLE", several=True)),
    (("SHOW", "CREATE", "SETTINGS", "PROFILE"), parsing_shows.show_create("SETTINGS PROFILE")),
    (("SHOW", "CREATE", "SETTINGS", "PROFILES"), parsing_shows.show_create("SETTINGS PROFILE", several=True)),
    (("SHOW", "CREATE", "QUOTA"), parsing_shows.show_create("QUOTA")),
    (("SHOW", "CREATE", "QUOTAS"), parsing_shows.show_create("QUOTA", several=True)),
    (("SHOW", "ROW", "POLICIES"), parsing_shows.show_policies),
    (("SHOW", "ACCESS"), parsing_shows.show_access),
    (("SHOW", "USERS"), parsing_shows.show_users),
    (("SHOW", "ROLES"), parsing_shows.show_roles("")),
    (("SHOW", "CURRENT", "ROLES"), parsing_shows.show_roles("CURRENT")),
    (("SHOW", "ENABLED", "ROLES"), parsing_shows.show_roles("ENABLED")),
    (("SHOW", "SETTINGS", "PROFILES"), parsing_shows.show_profiles),
    (("SHOW", "QUOTAS"), parsing_shows.show_quotas),
    (("SHOW", "CURRENT", "QUOTA"), parsing_shows.show_current_quota),
    (("SHOW", "PRIVILEGES"), parsing_shows.show_privileges),
    (("MOVE",), _refused("MOVE")),
    (("EXECUTE", "AS"), _refused("EXECUTE AS")),
    (("CREATE", "MASKING", "POLICY"), _refused("MASKING POLICY")),
    (("ALTER", "MASKING", "POLICY"), _refused("MASKING POLICY")),
    (("DROP", "MASKING", "POLICY"), _refused("MASKING POLICY")),
    (("SHOW", "MASKING", "POLICIES"), _refused("MASKING POLICY")),
    (("SHOW", "CREATE", "MASKING", "POLICY"), _refused("MASKING POLICY")),
    (("SHOW", "CREATE", "MASKING", "POLICIES"), _refused("MASKING POLICY")),
)
"""What statements begin with, and how they go on."""
_FIRST_WORDS = sorted({words[0] for words, _ in _PRODUCTIONS})
"""To see at once that most statements are about something else."""
