"""Shapes that several resources share."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from stronghouse.access.model import Source
from stronghouse.access.roles.policies import Role
from stronghouse.kernel.errors import Invalid


class Body(BaseModel):
    """A request body. Fields that we do not know are ignored: clients are newer and older than we are."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


def _whole(value: object) -> object:
    """8.0 is 8: `clickhousectl` sends floats where Terraform reads integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: object) -> object:
    return None if value == "" else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class SourceBody(Body):
    """An entry of an IP access list."""

    source: str = Field(max_length=64)
    description: str | None = Field(default="", max_length=256)


def sources(entries: list[SourceBody]) -> tuple[Source, ...]:
    """The entries as the areas know them."""
    return tuple(Source(entry.source.strip(), entry.description or "") for entry in entries)


def source_list(entries: tuple[Source, ...]) -> list[dict[str, str]]:
    """The entries as the API shows them."""
    return [{"source": entry.source, "description": entry.description} for entry in entries]


def assigned(roles: Iterable[Role]) -> list[dict[str, str]]:
    """The roles that somebody has, as the API shows them."""
    return [{"roleId": role.id, "roleName": role.name, "roleType": role.type} for role in roles]


def in_utc(moment: datetime | None) -> datetime | None:
    """An aware UTC time; one without a zone is taken to be UTC."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise Invalid("A time is out of range.", code="date_invalid") from None
