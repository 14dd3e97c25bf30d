"""An engine's real data directory: encrypted files under the service's own key, and every way that can be wrong."""

import json
import sys
from pathlib import Path

import pytest

from stronghouse.agent.collectors.data_keys import collect_data_keys
from stronghouse.agent.collectors.disk_encryption import collect_disk_encryption
from stronghouse.kernel.processes import run
from stronghouse.keys.data_keys import WrappedDataKey, open_data_key
from stronghouse.keys.local import LocalKms
from stronghouse.responsibility.model import Result, ResultState
from tests.integration.collectors.region import SERVICE, Region, judge

ENGINE = r"""
import os, sys
data, key = sys.argv[1], sys.stdin.read()
with open(f"{data}.xml", "w") as file:
    file.write(f'''<clickhouse><storage_configuration><disks>
    <a_raw><type>local</type><path>{data}/raw/</path></a_raw>
    <b_encrypted><type>encrypted</type><disk>a_raw</disk><path>e/</path><algorithm>AES_256_CTR</algorithm>
    <key_hex id="1" from_env="K"/><current_key_id>1</current_key_id></b_encrypted></disks>
    <policies><main><volumes><main><disk>b_encrypted</disk></main></volumes></main></policies></storage_configuration>
    <merge_tree><storage_policy>main</storage_policy></merge_tree></clickhouse>''')
os.environ["K"] = key
import chdb
connection = chdb.connect(f"{data}/db?config-file={data}.xml")
for statement in (
    "CREATE DATABASE d", "CREATE TABLE d.t (a UInt32, b String) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO d.t SELECT number, 'canary' FROM numbers(1000)", "CREATE VIEW d.v AS SELECT a FROM d.t",
):
    connection.query(statement)
connection.close()
os._exit(0)
"""


def _fill(region: Region) -> None:
    wrapped = WrappedDataKey.from_json(json.loads(region.service.wrapped_key.read_bytes()))
    key = open_data_key(region.inventory.kms, wrapped, service_id=SERVICE)
    arguments = [sys.executable, "-c", ENGINE, str(region.service.data_directory)]
    done = run(arguments, environment={}, timeout=60, stdin=key.hex().encode())
    assert done.returncode == 0, done.stderr


async def _disk(region: Region) -> Result:
    (result,) = judge("rest_files_encrypted", await collect_disk_encryption(region.inventory))
    return result


async def _key(region: Region, check_id: str) -> Result:
    (result,) = judge(check_id, await collect_data_keys(region.inventory))
    return result


async def test_engines_own_directory_passes_and_what_is_tolerated_is_told(region: Region) -> None:
    fingerprint = region.give_key()
    _fill(region)
    disk = await _disk(region)
    assert disk.state is ResultState.PASS, disk.reason
    assert "definitions of databases, tables, views" in disk.reason
    used = await _key(region, "tde_files_use_key")
    assert (used.state, fingerprint in used.reason) == (ResultState.PASS, True)
    (region.service.data_directory / "db" / "tmp").mkdir(exist_ok=True)
    (region.service.data_directory / "db" / "tmp" / "spill").write_bytes(b"canary,canary")
    disk = await _disk(region)
    assert (disk.state, "db/tmp/spill" in disk.reason) == (ResultState.FAIL, True)
    # The service gets another key: what is on disk is now under a key that it does not have.
    region.give_key()
    assert (await _key(region, "tde_files_use_key")).state is ResultState.FAIL


async def test_service_without_data_or_key_is_not_applicable(region: Region) -> None:
    assert (await _disk(region)).state is ResultState.NOT_APPLICABLE
    region.service.data_directory.rmdir()
    assert (await _disk(region)).state is ResultState.NOT_APPLICABLE
    assert (await _key(region, "tde_key_unwraps")).state is ResultState.NOT_APPLICABLE


async def test_wrapped_key_that_does_not_open_fails_with_the_reason(region: Region, tmp_path: Path) -> None:
    region.give_key()
    assert (await _key(region, "tde_key_unwraps")).state is ResultState.PASS
    good = region.service.wrapped_key.read_text()
    other = WrappedDataKey.from_json(json.loads(good)).to_json() | {"fingerprint": "00" * 16}
    for content in ("", "{}", "no json", json.dumps(other)):
        region.service.wrapped_key.write_text(content)
        assert (await _key(region, "tde_key_unwraps")).state is ResultState.FAIL
    region.service.wrapped_key.unlink()
    assert "gone" in (await _key(region, "tde_key_unwraps")).reason
    region.service.wrapped_key.write_text(good)
    foreign = LocalKms(tmp_path / "foreign.key")
    object.__setattr__(region.inventory, "kms", foreign)
    assert "sealed by the key" in (await _key(region, "tde_key_unwraps")).reason


async def test_facts_hold_no_key(region: Region) -> None:
    region.give_key()
    wrapped = WrappedDataKey.from_json(json.loads(region.service.wrapped_key.read_bytes()))
    key = open_data_key(region.inventory.kms, wrapped, service_id=SERVICE)
    told = str(await collect_data_keys(region.inventory))
    assert key.hex() not in told
    assert wrapped.blob.hex() not in told


@pytest.mark.parametrize("inside", [True, False])
async def test_machine_key_beside_the_data_fails_however_it_is_named(region: Region, inside: bool) -> None:
    state, path = region.inventory.state_directory, region.inventory.machine_key_file
    assert (await _key(region, "tde_machine_key_apart")).state is ResultState.PASS
    real = state / "machine.key"
    if inside:
        path.rename(real)
        path.symlink_to(real)  # a name outside, the key inside
    else:
        path.chmod(0o640)
    assert (await _key(region, "tde_machine_key_apart")).state is ResultState.FAIL
