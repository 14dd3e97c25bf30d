"""npm @clickhouse/client against a worker, as its users use it."""

import json
import shutil
import subprocess
import time
from pathlib import Path

from tests.integration.worker.forwarder import forwarded
from tests.integration.worker.service import PASSWORD, Service
from tests.support.node import client_packages

SCRIPT = Path(__file__).with_name("clickhouse_client.mjs")


def test_the_javascript_client_works(service: Service, tmp_path: Path) -> None:
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "node_modules").symlink_to(client_packages() / "node_modules")
    with forwarded(service.socket) as port:
        command = ["node", SCRIPT.name, str(port), PASSWORD]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        time.sleep(0.5)
        assert service.do(service.running.activity()).active_requests == 0, "an aborted query goes on"
    seen = json.loads(done.stdout)
    for way in ("plain", "compressed"):
        found = seen[way]
        assert found["ping"] is True
        assert [{"c": str(found["counted"][0]["c"]), "t": str(found["counted"][0]["t"])}] == [
            {"c": "100002", "t": str(3 + sum(range(10, 100_010)))}
        ]
        assert found["asked"] == [{"b": 5, "s": "x\t'y\\", "l": ["p", "q'"]}] or found["asked"][0]["b"] == "5"
        assert str(found["setting"][0]["m"]) == "3"
        assert found["streamed"] == 100_002
        assert found["written"] == "1"
        assert found["unknownTable"] == "60"
        assert found["refused"] == "36"
        assert found["aborted"]
    assert seen["badPassword"] == "516"
