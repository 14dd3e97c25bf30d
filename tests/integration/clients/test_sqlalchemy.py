"""SQLAlchemy with clickhouse-connect's dialect: tables made, filled, asked and found again."""

from collections.abc import Iterator
from datetime import date
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import (
    Date,
    Float64,
    LowCardinality,
    Nullable,
    String,
    UInt32,
)
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree
from sqlalchemy.exc import DatabaseError, NoSuchTableError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from tests.integration.worker.service import PASSWORD


class Base(DeclarativeBase):
    """Classes that stand for tables."""


class Flight(Base):
    """A table with a key, as the ORM wants one."""

    __tablename__ = "alchemy_flights"
    __table_args__ = (MergeTree(order_by="number"),)

    number = mapped_column(UInt32, primary_key=True)
    carrier = mapped_column(String)


@pytest.fixture(scope="module")
def engine(port: int) -> Iterator[sa.Engine]:
    made = sa.create_engine(f"clickhousedb://default:{quote(PASSWORD)}@127.0.0.1:{port}/default")
    yield made
    made.dispose()


@pytest.fixture
def table(engine: sa.Engine) -> Iterator[sa.Table]:
    described = sa.Table(
        "alchemy",
        sa.MetaData(),
        sa.Column("day", Date),
        sa.Column("name", LowCardinality(String)),
        sa.Column("amount", Nullable(Float64)),
        MergeTree(order_by=("day", "name"), partition_by="toYYYYMM(day)"),
    )
    described.create(engine)
    yield described
    described.drop(engine)


def test_a_table_is_filled_and_asked(engine: sa.Engine, table: sa.Table) -> None:
    rows = [{"day": date(2026, 1, 1 + number), "name": f"n{number % 3}", "amount": number / 2} for number in range(10)]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)
        connection.execute(sa.insert(table).values(day=date(2026, 2, 1), name="it's", amount=None))
        total = sa.select(table.c.name, sa.func.count().label("rows"), sa.func.sum(table.c.amount))
        found = connection.execute(total.group_by(table.c.name).order_by(table.c.name)).all()
        assert [tuple(row) for row in found] == [("it's", 1, None), ("n0", 4, 9.0), ("n1", 3, 6.0), ("n2", 3, 7.5)]
        one = sa.select(table.c.day).where(table.c.name == "it's").limit(1)
        assert connection.execute(one).scalar_one() == date(2026, 2, 1)


def test_text_with_parameters(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        asked = sa.text("SELECT :a + 1 AS a, :s AS s")
        assert tuple(connection.execute(asked, {"a": 4, "s": "x'; --"}).one()) == (5, "x'; --")


def test_tables_are_found_again(engine: sa.Engine, table: sa.Table) -> None:
    inspector = sa.inspect(engine)
    assert "default" in inspector.get_schema_names()
    assert table.name in inspector.get_table_names()
    assert inspector.has_table(table.name)
    assert not inspector.has_table("nothing")
    assert [column["name"] for column in inspector.get_columns(table.name)] == ["day", "name", "amount"]
    reflected = sa.Table(table.name, sa.MetaData(), autoload_with=engine)
    assert [str(column.type).split("(")[0] for column in reflected.columns] == ["Date", "LowCardinality", "Nullable"]
    assert [column.nullable for column in reflected.columns] == [False, False, True]
    with pytest.raises(NoSuchTableError):
        sa.Table("nothing", sa.MetaData(), autoload_with=engine)


def test_classes_stand_for_tables(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Flight(number=1, carrier="AA"), Flight(number=2, carrier="UA")])
        session.commit()
        assert session.scalars(sa.select(Flight.carrier).order_by(Flight.number)).all() == ["AA", "UA"]
        assert session.scalar(sa.select(sa.func.count()).select_from(Flight)) == 2
    Base.metadata.drop_all(engine)
    assert not sa.inspect(engine).has_table("alchemy_flights")


def test_databases_are_made_and_dropped(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE DATABASE alchemy_other"))
        connection.execute(sa.text("CREATE VIEW alchemy_other.one AS SELECT 1 AS one"))
        assert sa.inspect(engine).get_view_names(schema="alchemy_other") == ["one"]
        assert connection.execute(sa.text("SELECT one FROM alchemy_other.one")).scalar_one() == 1
        connection.execute(sa.text("DROP DATABASE alchemy_other"))
    assert "alchemy_other" not in sa.inspect(engine).get_schema_names()


def test_errors_are_the_databases(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        connection.execute(sa.text("SELECT * FROM nothing"))
