"""The demo: one service with a real table in it, made as any user would, through the API and the edge.

It runs in a process of its own, so that the supervisor stays small, and can be run again after it was cut off.
"""

import json
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from stronghouse.app import demo_flights
from stronghouse.app.demo_protocol import DEMO_SERVICE, DemoProgress, DemoService, DemoTask
from stronghouse.kernel.errors import Conflict, StronghouseError, Unavailable
from stronghouse.kernel.secret import Secret

ACCESS_LIST = [
    {"source": "127.0.0.0/8", "description": "this machine"},
    {"source": "::1/128", "description": "this machine"},
]
START_SECONDS = 60.0
REQUEST_SECONDS = 30.0
POLL_SECONDS = 0.1
Report = Callable[[DemoProgress], None]


def run_demo(task_descriptor: int, report_descriptor: int) -> int:
    """Do the task that stands in one descriptor and report to the other; the process's exit code."""
    with os.fdopen(task_descriptor, "rb") as pipe:
        task = DemoTask.from_line(pipe.readline())

    def report(progress: DemoProgress) -> None:
        os.write(report_descriptor, progress.to_line())

    try:
        fill(task, report)
    except StronghouseError as error:
        report(DemoProgress("failed", reason=error.public))
        return 1
    except (httpx.HTTPError, ClickHouseError, OSError, ValueError, KeyError) as error:
        report(DemoProgress("failed", reason=f"{type(error).__name__} while the demo was set up: {str(error)[:200]}"))
        return 1
    return 0


def fill(task: DemoTask, report: Report) -> None:
    """Make the service unless it is there, and load the table unless it is complete.

    Raises:
        StronghouseError: something is refused or does not come up in time.
    """
    verified = ssl.create_default_context(cafile=task.ca_file)
    credentials = (task.api_key_id.reveal(), task.api_key_secret.reveal())
    with httpx.Client(
        base_url=f"{task.api_url}/v1/organizations/{task.organization_id}",
        auth=credentials,
        verify=verified,
        timeout=REQUEST_SECONDS,
        trust_env=False,
    ) as http:
        service = _service(http)
        service = replace(service, port=_wait_until_running(http, service.id))
    report(DemoProgress("service", service=service))
    client = _connect(task, service)
    try:
        _load(client, report)
    finally:
        client.close()
    report(DemoProgress("done", rows=demo_flights.ROWS, total=demo_flights.ROWS, service=service))


def _service(http: httpx.Client) -> DemoService:
    for known in _call(http, "GET", "/services"):
        if known["name"] == DEMO_SERVICE:
            # Left by a first start that was cut off; its password was never seen by anyone.
            password = _call(http, "PATCH", f"/services/{known['id']}/password", {})["password"]
            return _described(known, password)
    wanted = {"name": DEMO_SERVICE, "ipAccessList": ACCESS_LIST}
    created = _call(http, "POST", "/services", wanted)
    return _described(created["service"], created["password"])


def _described(service: dict[str, Any], password: str) -> DemoService:
    endpoint = service["endpoints"][0]
    return DemoService(service["id"], service["name"], int(endpoint["port"]), endpoint["username"], Secret(password))


def _wait_until_running(http: httpx.Client, service_id: str) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service = _call(http, "GET", f"/services/{service_id}")
        if service["state"] in {"running", "idle"}:
            return int(service["endpoints"][0]["port"])
        if service["state"] == "failed":
            raise Unavailable(
                "The demo's service failed to start; the agent's log says why.", code="demo_service_failed"
            )
        if service["state"] == "stopped":
            _call(http, "PATCH", f"/services/{service_id}/state", {"command": "start"})
        time.sleep(POLL_SECONDS)
    raise Unavailable(f"The demo's service did not start within {START_SECONDS:.0f} s.", code="demo_service_slow")


def _call(http: httpx.Client, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    answer = http.request(method, path, json=body)
    envelope = json.loads(answer.content)
    if answer.status_code != httpx.codes.OK:
        raise Conflict(
            f"The API refused {method} {path.partition('?')[0]}: {envelope.get('error')}", code="demo_refused"
        )
    return envelope["result"]


def _connect(task: DemoTask, service: DemoService) -> Client:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return get_client(
                host="localhost",
                port=service.port,
                username=service.username,
                password=service.password.reveal(),
                secure=True,
                ca_cert=str(Path(task.ca_file)),
                autogenerate_session_id=False,
            )
        except ClickHouseError:
            # A new password or access list is on its way to the edge and the engine.
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _load(client: Client, report: Report) -> None:
    client.command(demo_flights.CREATE)
    if _rows(client) == demo_flights.ROWS:
        return
    client.command(f"TRUNCATE TABLE {demo_flights.TABLE}")
    done = 0
    for rows, count in demo_flights.batches():
        client.raw_insert(demo_flights.TABLE, demo_flights.COLUMNS, rows, fmt="CSV")
        done += count
        report(DemoProgress("rows", rows=done, total=demo_flights.ROWS))
    if _rows(client) != demo_flights.ROWS:
        raise Unavailable("Not all of the demo's rows arrived; see the agent's log.", code="demo_incomplete")


def _rows(client: Client) -> int:
    return int(str(client.command(demo_flights.COUNT)))
