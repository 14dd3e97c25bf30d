import pytest

from stronghouse.app.demo_protocol import DemoProgress, DemoService, DemoTask
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.secret import Secret


def test_task_crosses_the_pipe_in_one_line_with_its_secrets() -> None:
    task = DemoTask("https://localhost:1", "/ca.pem", "org", Secret("the id"), Secret("the\nsecret"))
    line = task.to_line()
    assert line.count(b"\n") == 1
    assert DemoTask.from_line(line).api_key_secret.matches("the\nsecret")
    assert "secret" not in repr(task).replace("api_key_secret", "")


def test_progress_crosses_the_pipe_with_the_service_and_its_password() -> None:
    service = DemoService("s-1", "demo", 8444, "default", Secret("p"))
    read = DemoProgress.from_line(DemoProgress("service", service=service).to_line())
    assert read.service is not None
    assert (read.kind, read.service.port) == ("service", 8444)
    assert read.service.password.matches("p")
    assert DemoProgress.from_line(DemoProgress("rows", rows=3, total=9).to_line()) == DemoProgress("rows", 3, 9)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b'{"kind": "x", "more": 1}', b'{"kind": "x", "service": {"id": 1}}']
)
def test_malformed_progress_is_refused(line: bytes) -> None:
    with pytest.raises(Internal):
        DemoProgress.from_line(line)
