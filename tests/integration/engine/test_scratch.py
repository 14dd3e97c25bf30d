"""A users file is tried out before it counts, within the worker's sandbox too."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from stronghouse.engine.access.scratch import validate
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.processes import run

ROOT = Path(__file__).parents[3]
USERS = b"""<clickhouse><profiles><default/></profiles><quotas><default/></quotas>
<roles><g_7/><u_1><grants><query>GRANT SELECT ON db.*</query></grants></u_1></roles>
<users><default><no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants><query>GRANT u_1, g_7</query></grants></default></users></clickhouse>"""
CONFINED = """
import os, sys
from pathlib import Path
from stronghouse.worker.sandbox import confine
from stronghouse.worker.specification import Launch
from tests.integration.engine.test_scratch import USERS
from stronghouse.engine.access.scratch import validate
report = confine(Launch("", sys.argv[1], int(sys.argv[2]) or None, 0, None, os.getppid()))
validate(Path(sys.argv[1]), USERS, 7)
print(report.landlock_abi)
"""


def refusal(directory: Path, users: bytes, generation: int = 7, timeout: float = 5.0) -> str:
    with pytest.raises(Unavailable) as raised:
        validate(directory, users, generation, timeout)
    assert raised.value.code == "users_file_invalid"
    assert list(directory.iterdir()) == []
    return str(raised.value.detail)


def test_a_sound_file_passes_and_leaves_nothing(tmp_path: Path) -> None:
    validate(tmp_path, USERS, 7)
    assert list(tmp_path.iterdir()) == []


def test_another_generation_is_not_what_was_asked_for(tmp_path: Path) -> None:
    assert refusal(tmp_path, USERS, 8) == "the role g_8 is not in force"


@pytest.mark.parametrize(
    "users",
    [
        USERS[:-20],
        b"",
        USERS.replace(b"GRANT SELECT", b"GRANT NOTHING_KNOWN"),
        USERS.replace(b"<default/></profiles>", b"<default><no_such_setting>1</no_such_setting></default></profiles>"),
    ],
    ids=["cut", "empty", "unknown privilege", "unknown setting"],
)
def test_a_file_that_the_engine_does_not_open_with_is_refused_in_its_words(tmp_path: Path, users: bytes) -> None:
    detail = refusal(tmp_path, users)
    assert "EmbeddedServer" in detail
    assert "Stack trace" not in detail


def test_a_trial_without_end_is_given_up(tmp_path: Path) -> None:
    assert "did not finish within 0.01 s" in refusal(tmp_path, USERS, timeout=0.01)


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        validate(tmp_path / "gone", USERS, 7)


def test_it_works_in_the_sandbox_of_a_worker() -> None:
    root = Path(tempfile.mkdtemp(prefix="sh-scratch-"))
    try:
        data = root / "data"
        data.mkdir()
        uid = 70_321 if os.geteuid() == 0 else 0
        if uid:
            root.chmod(0o711)
            os.chown(data, uid, uid)
        environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC", "LANG": "C.UTF-8"}
        done = run([sys.executable, "-c", CONFINED, str(data), str(uid)], environment=environment, timeout=30)
        assert done.returncode == 0, done.stderr
        assert list(data.iterdir()) == []
    finally:
        shutil.rmtree(root)
