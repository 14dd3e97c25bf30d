from pathlib import Path

import pytest

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.specification import Launch, SandboxReport, WorkerSpec


def test_what_is_sent_is_what_arrives() -> None:
    spec = WorkerSpec(ServiceId("s"), Path("/d"), "default", "hash", 5, None)
    assert WorkerSpec.from_json(spec.to_json()) == spec
    report = SandboxReport(7, seccomp=True, separate_uid=False, missing=("separate user",))
    assert SandboxReport.from_json(report.to_json()) == report
    for sandbox in (None, report):
        launch = Launch("m", "/d", 7, 3, None, 1, sandbox)
        assert Launch.from_json(launch.to_json()) == launch


@pytest.mark.parametrize("value", [None, [], {}, {"service_id": 1}])
def test_anything_else_is_refused(value: Json) -> None:
    for kind in (WorkerSpec, SandboxReport, Launch):
        with pytest.raises(ValueError):
            kind.from_json(value)
