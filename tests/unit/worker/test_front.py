import json
from pathlib import Path
from typing import cast

from stronghouse.engine.logs.journal import Journal
from stronghouse.engine.logs.records import QUERY_FIELDS, QUERY_MARK
from stronghouse.engine.quotas import QuotaKeeper
from stronghouse.kernel.clock import SystemClock
from stronghouse.worker.accounts import Accounts
from stronghouse.worker.attempts import Attempts
from stronghouse.worker.changing import Changes
from stronghouse.worker.connections import Connections
from stronghouse.worker.desk import Desk
from stronghouse.worker.front import Front
from stronghouse.worker.gate import Gate
from stronghouse.worker.query import Tools
from stronghouse.worker.recording import Recorder
from stronghouse.worker.repeating import Repeats
from stronghouse.worker.responses import Identity
from stronghouse.worker.running import Running
from stronghouse.worker.sessions import Sessions
from tests.unit.worker.people import PASSWORD, catalogue
from tests.unit.worker.serving import HEAD, serving


def front_without_tools(journal: Journal) -> Front:
    """A front that knows who asks, and then meets with what nobody expected."""
    accounts, quotas = Accounts(catalogue(), Attempts(SystemClock())), QuotaKeeper(SystemClock())
    gate, recorder, identity = Gate(), Recorder(journal, quotas, None), Identity("1", "UTC", "x")
    repeats = Repeats(accounts, cast("Connections", None), cast("Running", None), gate, recorder, identity)
    desk = Desk(accounts, cast("Changes", None), quotas)
    return Front(accounts, desk, cast("Tools", None), gate, Sessions(), recorder, identity, repeats)


def test_a_request_that_meets_what_nobody_expected_is_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", bytes(32), "service")
    request = HEAD + f"X-ClickHouse-User: alice\r\nX-ClickHouse-Key: {PASSWORD}\r\n".encode()
    with serving(front_without_tools(journal).handle) as running:
        answer = running.ask(request + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    journal.close()
    records = [record for segment in journal.segments() for record in journal.read(segment).records]
    (values,) = [json.loads(record[1:]) for record in records if record[:1] == QUERY_MARK]
    row = dict(zip(QUERY_FIELDS, values, strict=True))
    assert (row["user"], row["exception_code"], row["type"]) == ("alice", 1002, "ExceptionBeforeStart")
