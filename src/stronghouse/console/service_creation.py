"""Creating a service: what each field decides, said at the field; then its password, once."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from stronghouse.access.model import Source
from stronghouse.access.permissions import Permission
from stronghouse.console.form_errors import REFUSALS, Unfilled, status_of
from stronghouse.console.services import connecting
from stronghouse.console.state import Visit, visit
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.regions import actions as regions
from stronghouse.services import actions
from stronghouse.services.access_preview import parse_lines, with_own
from stronghouse.services.requests import (
    MAX_IDLE_MINUTES,
    MAX_MEMORY_GB,
    MAX_NAME,
    MEMORY_STEP_GB,
    MIN_IDLE_MINUTES,
    MIN_MEMORY_GB,
    ServiceRequest,
    check_name,
)

router = APIRouter(prefix="/services")
MAX_ENTRIES_TEXT = 40_000
"""Characters of an IP access list in a form; a longer one is sent by the command line or the API."""
ListText = Annotated[str, Field(max_length=2 * MAX_ENTRIES_TEXT)]
"""Twice as long, because browsers count a line's end as one character and send it as two."""
BOUNDS = {
    "name": MAX_NAME,
    "entries": MAX_ENTRIES_TEXT,
    "idle": (MIN_IDLE_MINUTES, MAX_IDLE_MINUTES),
    "memory": (MIN_MEMORY_GB, MAX_MEMORY_GB, MEMORY_STEP_GB),
}


class ServiceForm(BaseModel):
    """The form as it is sent; numbers are text until they are looked at, so that a wrong one can be shown again."""

    name: str = Field(default="", max_length=512)
    region: str = Field(default="", max_length=64)
    entries: ListText = ""
    let_me_in: str = Field(default="", max_length=8)
    sleeps: str = Field(default="", max_length=8)
    idle_minutes: str = Field(default="15", max_length=16)
    memory_gb: str = Field(default=str(MIN_MEMORY_GB), max_length=16)
    form_id: str = Field(default="", max_length=64)

    def request(self, own_address: str | None) -> ServiceRequest:
        """What is asked for; raises Unfilled with every field that is wrong, in the order of the form."""
        problems: dict[str, str] = {}
        wanted = ServiceRequest(name=self.name, region=self.region or None, idle_scaling=bool(self.sleeps))
        with _noting(problems, "name"):
            check_name(self.name)
        with _noting(problems, "entries"):
            wanted = dataclasses.replace(wanted, ip_access=self._sources(own_address))
        with _noting(problems, "memory_gb"):
            memory_gb = whole_number(self.memory_gb, MIN_MEMORY_GB, MAX_MEMORY_GB, step=MEMORY_STEP_GB)
            wanted = dataclasses.replace(wanted, memory_gb=memory_gb)
        with _noting(problems, "idle_minutes"):
            minutes = whole_number(self.idle_minutes, MIN_IDLE_MINUTES, MAX_IDLE_MINUTES)
            wanted = dataclasses.replace(wanted, idle_timeout_minutes=minutes)
        if problems:
            raise Unfilled(problems)
        return wanted

    def _sources(self, own_address: str | None) -> tuple[Source, ...]:
        listed = parse_lines(self.entries)
        return with_own(listed, own_address if self.let_me_in else None, "whoever created it")


@router.get("/new")
def new_page(request: Request) -> Response:
    """The form."""
    return _form_page(visit(request, Permission.SERVICE_CREATE), ServiceForm(sleeps="on"))


@router.post("/new")
def create(request: Request, form: Annotated[ServiceForm, Form()]) -> Response:
    """Create a service; its password is in this answer and nowhere else."""
    visitor = visit(request, Permission.SERVICE_CREATE)
    try:
        wanted = form.request(visitor.context.address)
        visitor.refuse_twice(form.form_id)
        with visitor.plane.audit.unit_of_work(visitor.context) as uow:
            new = actions.create_service(
                uow, wanted, organization_id=visitor.organization_id, now=visitor.plane.clock.now()
            )
    except REFUSALS as error:
        return _form_page(visitor, form, error=error)
    visitor.plane.jobs.notify(new.service.region)
    return visitor.page(
        "service_password.html",
        service=new.service,
        password=new.password.reveal(),
        created=True,
        connect=connecting(visitor, new.service),
        audit_permission=Permission.AUDIT_LOG_VIEW,
    )


def _form_page(visitor: Visit, form: ServiceForm, *, error: StronghouseError | None = None) -> HTMLResponse:
    with visitor.plane.database.read() as connection:
        known = regions.find_regions(connection)
    return visitor.page(
        "service_new.html",
        status=200 if error is None else status_of(error),
        form=form,
        problems={} if error is None else _problems_of(error),
        regions=known,
        bounds=BOUNDS,
        own_address=visitor.context.address,
        matrix_permission=Permission.RESPONSIBILITIES_VIEW,
    )


def _problems_of(error: StronghouseError) -> dict[str, str]:
    if isinstance(error, Unfilled):
        return error.fields
    return {"region" if error.code == "region_unknown" else "": error.public}


@contextmanager
def _noting(problems: dict[str, str], field: str) -> Iterator[None]:
    """Go on after what is wrong with a field."""
    try:
        yield
    except Invalid as error:
        problems[field] = error.public


def whole_number(text: str, least: int, most: int, *, step: int = 1) -> int:
    """The number that was typed; raises Invalid with what may be."""
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not least <= number <= most or number % step:
        raise Invalid(f"Give a whole number from {least} to {most}{f', in steps of {step}' if step > 1 else ''}.")
    return number
