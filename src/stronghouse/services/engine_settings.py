"""ClickHouse settings that the sessions of a service begin with.

Values are checked twice before anything is stored: by the boundary's tables here, and by the service's own engine,
which its region asks. So a service has to run, or to be asleep, for a setting to be changed; resetting one needs none.
"""

import dataclasses
from collections.abc import Mapping

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.engine.service_settings import check_service_setting
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Conflict, Invalid, NotFound, TooMany, Unavailable
from stronghouse.services import events
from stronghouse.services.model import Service, Wanted
from stronghouse.services.ports import Jobs
from stronghouse.services.publishing import find_service, refuse_while_deleting, save

KIND = "check_settings"
ANSWER_SECONDS = 20.0
"""How long a region may take: an engine that sleeps has to wake first."""
MAX_SETTINGS = 200
MAX_REASON = 400


def value_of(name: str, given: Json) -> str:
    """A setting's value as text: a number or a truth value in ClickHouse's spelling. Raises Invalid for a list."""
    match given:
        case bool():
            return str(int(given))
        case float() if given.is_integer():
            return str(int(given))
        case int() | float() | str():
            return str(given)
    raise Invalid(f"The value of {name[:64]} is text, a number or true or false.", code="setting_invalid")


def check_settings(jobs: Jobs, service: Service, settings: Mapping[str, str]) -> None:
    """Have the boundary and the engine look at settings before they are stored.

    Raises:
        Invalid: one of them is refused; the sentence is ours or the engine's.
        Conflict: the service is stopped, so that there is no engine to ask.
        Unavailable: the region does not answer.
    """
    if not settings:
        raise Invalid("Name at least one setting.", code="setting_invalid")
    if len(settings) > MAX_SETTINGS:
        raise Invalid(f"A service has at most {MAX_SETTINGS} settings.", code="settings_too_many")
    for name, value in settings.items():
        check_service_setting(name, value)
    if service.wanted is not Wanted.RUNNING:
        raise Conflict(
            f"Start the service first: its engine has to look at the values. Current state: '{service.state}'.",
            code="service_stopped",
        )
    answer = _asked(jobs, service, settings)
    if answer is not None:
        raise Invalid(_printable(answer), code="setting_refused")


def _asked(jobs: Jobs, service: Service, settings: Mapping[str, str]) -> str | None:
    wanted: dict[str, Json] = {"service_id": service.id, "settings": {**settings}}
    try:
        answer = jobs.call(service.region, KIND, wanted, timeout=ANSWER_SECONDS)
    except (Unavailable, TooMany) as error:
        raise Unavailable(
            f"The service's engine could not be asked, so nothing was changed. {_printable(error.public)}",
            code=error.code,
            detail=error.detail,
        ) from None
    if answer is None or isinstance(answer, str):
        return answer
    raise Unavailable(
        f"Nothing was changed. Region {service.region} gave an answer that cannot be understood.",
        code="region_answer_malformed",
    )


def change_settings(uow: UnitOfWork, settings: Mapping[str, str], *, organization_id: str, service_id: str) -> Service:
    """Set what `check_settings` passed; other settings stay. The same again changes and records nothing.

    Raises:
        Invalid: there would be too many.
        Conflict: the service is being deleted.
    """
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    if len({**service.settings, **settings}) > MAX_SETTINGS:
        raise Invalid(f"A service has at most {MAX_SETTINGS} settings.", code="settings_too_many")
    return _put(uow, service, {**service.settings, **settings})


def reset_setting(uow: UnitOfWork, name: str, *, organization_id: str, service_id: str) -> Service:
    """Give a setting back to the engine's default; raises NotFound when the service does not set it."""
    service = find_service(uow, organization_id=organization_id, service_id=service_id)
    refuse_while_deleting(service)
    setting_of(service, name)
    return _put(uow, service, {other: value for other, value in service.settings.items() if other != name})


def setting_of(service: Service, name: str) -> str:
    """The value that a service sets; raises NotFound when the engine's default holds."""
    if name not in service.settings:
        raise NotFound(f"This service does not set {name[:64]!r}; the engine's default holds.")
    return service.settings[name]


def _put(uow: UnitOfWork, service: Service, settings: Mapping[str, str]) -> Service:
    if settings == service.settings:
        return service
    uow.record(
        events.ServiceSettingsChanged(
            organization_id=service.organization_id,
            service_id=service.id,
            before=_lines(service.settings),
            after=_lines(settings),
        )
    )
    return save(uow, dataclasses.replace(service, settings=dict(sorted(settings.items()))))


def _lines(settings: Mapping[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in sorted(settings.items())]


def _printable(sentence: str) -> str:
    """What a region says: bounded, and nothing in it that could steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in sentence)[
        :MAX_REASON
    ]
