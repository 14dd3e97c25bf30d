"""How a process runs is read from the kernel: each switch that gives keys away is found."""

import json
import sys

import pytest

from stronghouse.kernel.processes import run
from stronghouse.responsibility.model import Result, ResultState
from tests.integration.collectors.region import judge

PROCESS = """
import json, os, resource, sys
{prepare}
from stronghouse.kernel.clock import SystemClock
from stronghouse.responsibility.collectors.own_process import collect_own_process
print(json.dumps(collect_own_process(place="control", target="a test", clock=SystemClock()).to_json()))
"""
GUARDED = "os.umask(0o077); resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))"


def _judge(prepare: str, *flags: str) -> Result:
    done = run([sys.executable, *flags, "-c", PROCESS.format(prepare=prepare)], environment={}, timeout=60)
    assert done.returncode == 0, done.stderr
    (result,) = judge("own_process_guarded", json.loads(done.stdout))
    return result


def test_guarded_process_passes() -> None:
    assert _judge(GUARDED).state is ResultState.PASS


@pytest.mark.parametrize(
    ("prepare", "flags", "word"),
    [
        (f"{GUARDED}; os.umask(0o022)", (), "umask 0022"),
        (GUARDED, ("-X", "dev"), "developer mode"),
        (GUARDED, ("-i",), "interactive mode"),
    ],
)
def test_each_switch_that_gives_keys_away_is_named(prepare: str, flags: tuple[str, ...], word: str) -> None:
    result = _judge(prepare, *flags)
    assert (result.state, word in result.reason) == (ResultState.FAIL, True)
