import base64

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.authentication import Credentials, read_credentials


def test_credentials_come_one_way_only() -> None:
    basic = {"authorization": "Basic " + base64.b64encode(b"default:a:b").decode()}
    assert read_credentials(basic, []).password == "a:b"
    assert read_credentials({}, [("user", "alice"), ("password", "x")]) == Credentials("alice", "x", given=True)
    assert not read_credentials({}, []).given
    for headers, parameters in ((basic, [("user", "default")]), ({**basic, "x-clickhouse-key": "x"}, [])):
        with pytest.raises(DatabaseError):
            read_credentials(headers, parameters)


@pytest.mark.parametrize("header", ["Basic", "Basic ===", "Basic ZGVmYXVsdA==", "Bearer abc", "Basic ü", "Basic /w=="])
def test_a_header_that_cannot_be_read_is_a_refusal(header: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        read_credentials({"authorization": header}, [])
    assert refused.value.number == 516


def test_credentials_do_not_show_in_a_log() -> None:
    assert "hunter2" not in repr(Credentials("default", "hunter2", given=True))
