"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, MetaData, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@compiles(String, "postgresql")
def _text_of_any_length(_type: String, _compiler: object, **_options: object) -> str:
    """SQLite enforces no length, so PostgreSQL does not either: a limit on one of them would be a failure only there.

    What comes from outside is checked where it comes in.
    """
    return "VARCHAR"


class Timestamp(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970 (SQLite has no time type that keeps a zone)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Microseconds for the database; refuses a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a zone")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """An aware UTC time."""
        return None if value is None else EPOCH + value * MICROSECOND


def identifier() -> String:
    """The column type of a UUID in text form."""
    return String(36)
