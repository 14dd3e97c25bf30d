"""The words that the control plane and an agent exchange: JSON text frames, one message each.

Both sides refuse what they do not know. A change of this file that an older peer would refuse raises
`CURRENT_PROTOCOL`; a peer speaks that version and the one before, and the highest that both know is used.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import Invalid

CURRENT_PROTOCOL = 1
SUPPORTED_PROTOCOLS = tuple(version for version in (CURRENT_PROTOCOL, CURRENT_PROTOCOL - 1) if version >= 1)
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_JOIN_BYTES = 16 * 1024
JOIN_PATH, STREAM_PATH, AUTHORITY_PATH = "/join", "/stream", "/ca"

Name = Annotated[str, Field(min_length=1, max_length=64)]
Sentence = Annotated[str, Field(max_length=2000)]
Pem = Annotated[str, Field(min_length=1, max_length=8192)]
Protocols = Annotated[list[int], Field(min_length=1, max_length=16)]
Version = Annotated[int, Field(ge=0)]
ReportedState = Literal[
    "provisioning", "running", "idle", "starting", "stopping", "stopped", "awaking", "failed", "deleted"
]


class Message(BaseModel):
    """Base of all messages: unknown fields are refused and nothing is changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KeyStatus(Message):
    """Which key protects a service's data; never the key."""

    kms: Name
    key_id: Annotated[str, Field(max_length=256)]
    fingerprint: Annotated[str, Field(max_length=128)]


class ServiceStatus(Message):
    """One service as its region sees it. `version` is the desired version that this reflects."""

    id: Name
    state: ReportedState
    reason: Sentence | None = None
    engine_version: Name | None = None
    pid: int | None = None
    sandbox: dict[str, JsonValue] | None = None
    key: KeyStatus | None = None
    version: Version


class JoinRequest(Message):
    """Agent: I hold this token; sign my request."""

    type: Literal["join"] = "join"
    protocols: Protocols
    token: Annotated[str, Field(max_length=256)]
    request_pem: Pem


class Joined(Message):
    """Control: you are this agent of this region."""

    type: Literal["joined"] = "joined"
    agent_id: Name
    region: Name
    certificate_pem: Pem
    ca_pem: Pem


class Refused(Message):
    """Control: no, and why. The connection ends."""

    type: Literal["refused"] = "refused"
    code: Name
    message: Sentence


class Hello(Message):
    """Agent: the first message of a stream."""

    type: Literal["hello"] = "hello"
    protocols: Protocols
    software: Name
    time: Annotated[AwareDatetime, Field(strict=False)]
    applied_version: Version


class Welcome(Message):
    """Control: the answer to `hello`."""

    type: Literal["welcome"] = "welcome"
    protocol: int
    region: Name
    agent_id: Name


class WantedDocument(Message):
    """One wish. What it means depends on its kind; an agent passes over kinds that it does not know."""

    kind: Name
    id: Name
    document: dict[str, JsonValue]


class Desired(Message):
    """Control: everything that the region is to bring about."""

    type: Literal["desired"] = "desired"
    version: Version
    documents: Annotated[list[WantedDocument], Field(max_length=10_000)]


class Heartbeat(Message):
    """Agent: I am alive, this is my time, this I have brought about, and this is how all services are."""

    type: Literal["heartbeat"] = "heartbeat"
    time: Annotated[AwareDatetime, Field(strict=False)]
    applied_version: Version
    services: Annotated[list[ServiceStatus], Field(max_length=10_000)]


class Statuses(Message):
    """Agent: these services changed; `applied_version` as in a heartbeat."""

    type: Literal["statuses"] = "statuses"
    applied_version: Version
    services: Annotated[list[ServiceStatus], Field(max_length=10_000)]


class Job(Message):
    """Control: do this before the deadline. The same id again is the same job, never a second one."""

    type: Literal["job"] = "job"
    id: Name
    kind: Name
    arguments: dict[str, JsonValue]
    deadline: Annotated[AwareDatetime, Field(strict=False)]


class Cancel(Message):
    """Control: nobody waits for this job any more."""

    type: Literal["cancel"] = "cancel"
    id: Name


class JobProgress(Message):
    """Agent: how far a job is."""

    type: Literal["job_progress"] = "job_progress"
    id: Name
    progress: JsonValue


class JobResult(Message):
    """Agent: how a job ended."""

    type: Literal["job_result"] = "job_result"
    id: Name
    ok: bool
    result: JsonValue = None
    error: Sentence | None = None


class SignServing(Message):
    """Agent: sign this request for the names that my edge serves."""

    type: Literal["sign_serving"] = "sign_serving"
    id: Name
    request_pem: Pem


class Renew(Message):
    """Agent: sign this request for my next client certificate."""

    type: Literal["renew"] = "renew"
    id: Name
    request_pem: Pem


class Signed(Message):
    """Control: the certificate that was asked for, or why not."""

    type: Literal["signed"] = "signed"
    id: Name
    certificate_pem: Pem | None = None
    error: Sentence | None = None


FromAgent = Annotated[
    Hello | Heartbeat | Statuses | JobProgress | JobResult | SignServing | Renew, Field(discriminator="type")
]
FromControl = Annotated[Welcome | Refused | Desired | Job | Cancel | Signed, Field(discriminator="type")]
JoinAnswer = Annotated[Joined | Refused, Field(discriminator="type")]

FROM_AGENT: TypeAdapter[FromAgent] = TypeAdapter(FromAgent)
FROM_CONTROL: TypeAdapter[FromControl] = TypeAdapter(FromControl)
JOIN_REQUEST: TypeAdapter[JoinRequest] = TypeAdapter(JoinRequest)
JOIN_ANSWER: TypeAdapter[JoinAnswer] = TypeAdapter(JoinAnswer)
_T = TypeVar("_T")


def encode(message: Message) -> str:
    """The text frame of a message."""
    return json.dumps(message.model_dump(mode="json"), separators=(",", ":"), allow_nan=False)


def decode(adapter: TypeAdapter[_T], frame: str | bytes) -> _T:
    """The message that a frame carries.

    Raises:
        Invalid: no text, no JSON, or not a message of this protocol. The error names fields, never their values.
    """
    if isinstance(frame, bytes):
        raise Invalid("Messages are text frames.", code="protocol_violation")
    try:
        return adapter.validate_python(parse_json(frame))
    except ValidationError as error:
        places = sorted(
            {".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_input=False)}
        )
        detail = ", ".join(places)[:500]
        raise Invalid("A message breaks the protocol.", code="protocol_violation", detail=detail) from None
    except (ValueError, RecursionError):
        raise Invalid("A message is not JSON.", code="protocol_violation") from None


def negotiate(offered: Iterable[int], supported: Iterable[int] = SUPPORTED_PROTOCOLS) -> int:
    """The highest version that both sides speak; raises Invalid when there is none."""
    ours = set(supported)
    common = ours & set(offered)
    if not common:
        raise Invalid(
            f"No common protocol version: this side speaks {sorted(ours)}, the other {sorted(set(offered))[:16]}. "
            "Upgrade the older of the two.",
            code="protocol_unsupported",
        )
    return max(common)


def skew_ms(theirs: datetime, ours: datetime) -> int:
    """By how many milliseconds their clock is behind ours."""
    return round((ours - theirs).total_seconds() * 1000)
