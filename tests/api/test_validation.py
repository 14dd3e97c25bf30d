"""What is said of a request of the wrong shape: the field and what it should be, in plain words."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import UUID4, BaseModel, Field, TypeAdapter, ValidationError

from stronghouse.api.validation import sentence
from tests.support.control_plane import Plane


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Pair(BaseModel):
    left: int


CASES: list[tuple[Any, object, str]] = [
    (Annotated[str, Field(max_length=3)], "long", "x has at most 3 characters."),
    (Annotated[str, Field(min_length=3)], "s", "x has at least 3 characters."),
    (Annotated[str, Field(pattern="a")], "s", "x does not have the form that it should."),
    (str, 1, "x is a text."),
    (Annotated[list[str], Field(max_length=1)], ["a", "b"], "x has at most 1 entry."),
    (Annotated[list[str], Field(min_length=1)], [], "x has at least 1 entry."),
    (list[str], "a", "x is a list."),
    (list[str], [1], "x[0] is a text."),
    (int, "many", "x is a whole number."),
    (int, 1.5, "x is a whole number."),
    (float, "many", "x is a number."),
    (bool, "maybe", "x is true or false."),
    (datetime, "x", "x is a time, as in 2027-01-31T00:00:00Z."),
    (datetime, "2027-13-01T00:00:00Z", "x is a time, as in 2027-01-31T00:00:00Z."),
    (date, "x", "x is a date, as in 2027-01-31."),
    (Annotated[int, Field(ge=1)], 0, "x is at least 1."),
    (Annotated[int, Field(gt=1)], 0, "x is more than 1."),
    (Annotated[int, Field(le=1)], 2, "x is at most 1."),
    (Annotated[int, Field(lt=1)], 2, "x is less than 1."),
    (Colour, "green", "x is one of red or blue."),
    (Literal["a", "b"], "c", "x is one of a or b."),
    (UUID4, "c", "x is a UUID."),
    (Pair, {}, "x.left is missing."),
    (Pair, "c", "x is an object."),
    (complex, "c", "x does not have the form that it should."),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_each_kind_of_mistake_is_a_plain_sentence(kind: Any, value: object, expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    first = caught.value.errors()[0]
    assert sentence({**first, "loc": ("query", "x", *first["loc"])}) == expected


def test_field_is_named_as_the_caller_wrote_it(plane: Plane) -> None:
    auth = plane.admin(organization := plane.organization())
    path = f"/organizations/{organization}"

    def said(method: str, where: str, **options: Any) -> str:
        answer = plane.call(method, f"{path}{where}", auth, **options)
        assert answer.status_code == 400
        return str(answer.json()["error"])

    assert said("GET", "/findings?severity=bad") == "BAD_REQUEST: severity is one of critical, high, medium or low."
    assert said("GET", "/findings?limit=0") == "BAD_REQUEST: limit is at least 1."
    late = said("POST", "/packages", json={"from": "soon"})
    assert late == "BAD_REQUEST: from is a time, as in 2027-01-31T00:00:00Z."
    assert said("POST", "/packages", json={}) == "BAD_REQUEST: from is missing."
    assert said("POST", "/packages", json=[]) == "BAD_REQUEST: The body is an object."
    cut = said("POST", "/packages", content=b"{", headers={"content-type": "application/json"})
    assert cut == "BAD_REQUEST: The body is not valid JSON."
    wrong = {"name": "a", "ipAccessList": [{"source": 1}]}
    assert said("POST", "/services", json=wrong).endswith("ipAccessList[0].source is a text.")
