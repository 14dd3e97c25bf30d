"""Settings of a whole service: every session begins with them, what comes later wins, and bad ones are refused."""

import dataclasses
import re

import pytest

from stronghouse.engine.boundary.classification import Table, Verdict, classified
from stronghouse.engine.service_settings import check_service_setting, configurable
from stronghouse.engine.settings import ALLOWED_VALUES
from stronghouse.kernel.errors import Invalid
from tests.integration.worker.service import Service
from tests.integration.worker.users import create, told

THREADS = "SELECT getSetting('max_threads')"
BLOCKS = "SELECT getSetting('max_block_size')"


def give(service: Service, **settings: str) -> None:
    service.do(service.running.set_settings(settings))


def test_settings_are_what_every_session_begins_with_and_whatever_is_said_later_wins(service: Service) -> None:
    before = service.run(THREADS)
    create(service, "anna", "berta")
    service.run("CREATE SETTINGS PROFILE narrow SETTINGS max_threads = 3 TO berta")
    pid = service.running.pid
    give(service, max_threads="7", max_block_size="1234")
    assert service.run(f"{THREADS}, getSetting('max_block_size')") == "7\t1234\n"
    assert (told(service, "anna", THREADS), told(service, "berta", THREADS)) == ("7", "3")
    assert service.run(f"{THREADS} SETTINGS max_threads = 5") == "5\n"
    assert service.run(THREADS, max_threads="4") == "4\n"
    assert service.run(THREADS, session_id="one") == "7\n"
    give(service, max_threads="6")
    assert service.run(f"{THREADS}, getSetting('max_block_size') = 1234", session_id="one") == "6\t0\n"
    give(service)
    assert service.run(THREADS) == before
    assert service.running.pid == pid, "no restart is needed"


def test_one_that_is_refused_after_all_keeps_no_other_out(service: Service) -> None:
    give(service, max_threads="7", no_such_setting="1", max_block_size="many")
    assert service.run(THREADS) == "7\n"
    give(service)


def test_settings_are_there_again_after_a_restart(fresh: Service) -> None:
    fresh.spec = dataclasses.replace(fresh.spec, settings={"max_threads": "7", "gone": "1", "max_block_size": "many"})
    fresh.start()
    assert fresh.run(THREADS) == "7\n"
    fresh.run("CREATE USER carla IDENTIFIED BY 'long enough it is'")  # opens the engine anew
    assert fresh.run(THREADS) == "7\n"
    fresh.spec = dataclasses.replace(fresh.spec, settings={})
    fresh.stop()
    fresh.start()
    assert fresh.run(THREADS) != "7\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max_threads", "many", "max_threads|Cannot parse"),
        ("max_threads", "100000", "greater than 256"),
        ("max_block_size", "-1", ""),
        ("no_such_setting", "1", "no setting"),
        ("max_threads = 1, readonly", "1", "no setting"),
        ("param_x", "1", "no setting"),
        ("allow_introspection_functions", "1", "should not be changed"),
        ("default_table_engine", "Log", "sets it itself"),
        ("join_algorithm", "grace_hash", "made of"),
        ("log_comment", "x\x00y", ""),
    ],
)
def test_what_is_refused_is_told_and_changes_nothing(service: Service, name: str, value: str, said: str) -> None:
    before = service.run(THREADS)
    wanted = {"max_block_size": "777", name: value}
    answer = service.do(service.running.check_settings(wanted))
    assert answer is not None
    assert re.search(said, answer), answer
    assert service.run(f"{THREADS}, getSetting('max_block_size') = 777") == f"{before.strip()}\t0\n"


def test_good_ones_are_tried_without_being_set(service: Service) -> None:
    before = service.run(BLOCKS)
    assert service.do(service.running.check_settings({"readonly": "1", "max_block_size": "777"})) is None
    assert service.run(BLOCKS) == before


def test_a_service_that_only_reads_can_be_made_to_write_again(service: Service) -> None:
    give(service, readonly="1")
    assert service.ask("CREATE TABLE written (n UInt8) ENGINE = MergeTree ORDER BY n").code == 164
    give(service)
    service.run("CREATE TABLE written (n UInt8) ENGINE = MergeTree ORDER BY n")


def test_a_service_that_can_do_nothing_any_more_gets_out_of_it(service: Service) -> None:
    give(service, max_memory_usage="1", max_execution_time="1", max_rows_to_read="1", max_result_rows="1")
    service.ask("SELECT number FROM numbers(1000)")
    give(service)
    assert service.run("SELECT count() FROM numbers(1000)") == "1000\n"


def test_types_are_the_engines_own(service: Service) -> None:
    listed = dict(line.split("\t") for line in service.run("SELECT name, type FROM system.settings").splitlines())
    assert {name: setting.type for name, setting in configurable().items()} == {
        name: listed[name] for name in configurable()
    }


def test_what_may_be_set_is_what_the_boundary_allows() -> None:
    for name, entry in classified(Table.SETTINGS).items():
        if name in configurable():
            assert entry.verdict is Verdict.ALLOW or name in ALLOWED_VALUES
        else:
            with pytest.raises(Invalid):
                check_service_setting(name, "1")
