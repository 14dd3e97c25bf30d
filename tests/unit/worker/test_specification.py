from dataclasses import replace
from pathlib import Path

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.specification import Launch, SandboxReport, WorkerSpec


def test_what_is_sent_is_what_arrives() -> None:
    spec = WorkerSpec(ServiceId("s"), Path("/d"), "default", "hash", 5, None)
    assert WorkerSpec.from_json(spec.to_json()) == spec
    masking = replace(spec, log_retention_days=365, mask_patterns=("a+", "b"))
    assert WorkerSpec.from_json(masking.to_json()) == masking
    report = SandboxReport(7, seccomp=True, separate_uid=False, missing=("separate user",))
    assert SandboxReport.from_json(report.to_json()) == report
    for sandbox in (None, report):
        launch = Launch("m", "/d", 7, 3, None, 1, sandbox)
        assert Launch.from_json(launch.to_json()) == launch


def test_what_an_older_agent_does_not_say_of_logs_is_the_default() -> None:
    spec = WorkerSpec(ServiceId("s"), Path("/d"), "default", "hash", 5, None)
    fields = spec.to_json()
    for absent in ("log_retention_days", "mask_patterns"):
        assert WorkerSpec.from_json({**fields, absent: None}) == spec
        assert WorkerSpec.from_json({name: value for name, value in fields.items() if name != absent}) == spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"log_retention_days": 0},
        {"log_retention_days": True},
        {"log_retention_days": "30"},
        {"mask_patterns": "a"},
        {"mask_patterns": [1]},
    ],
)
def test_what_is_said_of_logs_has_to_make_sense(wrong: dict[str, Json]) -> None:
    spec = WorkerSpec(ServiceId("s"), Path("/d"), "default", "hash", 5, None)
    with pytest.raises(ValueError):
        WorkerSpec.from_json({**spec.to_json(), **wrong})


@pytest.mark.parametrize("value", [None, [], {}, {"service_id": 1}])
def test_anything_else_is_refused(value: Json) -> None:
    for kind in (WorkerSpec, SandboxReport, Launch):
        with pytest.raises(ValueError):
            kind.from_json(value)
