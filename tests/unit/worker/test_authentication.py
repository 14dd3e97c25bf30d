import base64
import hashlib

import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.authentication import Credentials, Owner, read_credentials


def hashed(password: str) -> str:
    return base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()


OWNER = Owner("default", hashed("päss"))


def test_the_owner_is_accepted_and_nobody_else() -> None:
    OWNER.authenticate(Credentials("default", "päss", given=True))
    for username, password in (("default", "pass"), ("Default", "päss"), ("", ""), ("default", hashed("päss"))):
        with pytest.raises(DatabaseError) as refused:
            OWNER.authenticate(Credentials(username, password, given=True))
        assert refused.value.number == 516


def test_an_empty_hash_lets_nobody_in() -> None:
    with pytest.raises(DatabaseError):
        Owner("default", "").authenticate(Credentials("default", "", given=False))


def test_credentials_come_one_way_only() -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(b"default:a:b").decode()}
    assert read_credentials(basic, {}).password == "a:b"
    assert not read_credentials({}, {}).given
    for headers, parameters in ((basic, {"user": "default"}), ({**basic, "X-ClickHouse-Key": "x"}, {})):
        with pytest.raises(DatabaseError):
            read_credentials(headers, parameters)


@pytest.mark.parametrize("header", ["Basic", "Basic ===", "Basic ZGVmYXVsdA==", "Bearer abc", "Basic ü", "Basic /w=="])
def test_a_header_that_cannot_be_read_is_a_refusal(header: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        read_credentials({"Authorization": header}, {})
    assert refused.value.number == 516


def test_credentials_do_not_show_in_a_log() -> None:
    assert "hunter2" not in repr(Credentials("default", "hunter2", given=True))
