import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.options import Options, read_options


def read(*pairs: tuple[str, str], method: str = "POST", **headers: str) -> Options:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_options(method, named, pairs, fallback_id="fallback")


def test_what_is_neither_known_nor_a_parameter_is_a_setting() -> None:
    options = read(("query", "SELECT 1"), ("max_threads", "2"), ("param_x", "3"), ("user", "u"), ("buffer_size", "9"))
    assert options.query == "SELECT 1"
    assert options.settings == {"max_threads": "2"}
    assert options.parameters == {"x": "3"}
    assert options.query_id == "fallback"


@pytest.mark.parametrize(
    ("pair", "number"),
    [
        (("profile", "x"), 452),
        (("input_format_values_interpret_expressions", "1"), 452),
        (("max_threads=1,readonly", "0"), 115),
        (("default_format", "CSV; DROP"), 73),
        (("query_id", "x" * 129), 36),
        (("query_id", "a\r\nX-Evil: 1"), 36),
        (("compress", "1"), 48),
        (("role", "admin"), 512),
    ],
)
def test_what_may_not_be_asked_is_refused(pair: tuple[str, str], number: int) -> None:
    with pytest.raises(DatabaseError) as refused:
        read(pair)
    assert refused.value.number == number


def test_a_session_needs_a_sane_timeout() -> None:
    session = read(("session_id", "s"), ("session_timeout", "5"), ("session_check", "1")).session
    assert session is not None
    assert (session.id, session.timeout, session.must_exist) == ("s", 5.0, True)
    for timeout in ("-1", "3601", "nan", "x"):
        with pytest.raises(DatabaseError) as refused:
            read(("session_id", "s"), ("session_timeout", timeout))
        assert refused.value.number == 374


def test_compression_takes_both_a_header_and_a_parameter() -> None:
    assert read(Accept_Encoding="gzip, lz4").encoding is None
    asked = ("enable_http_compression", "1")
    assert read(asked, Accept_Encoding="gzip;q=0.5, lz4").encoding == "lz4"
    assert read(asked, Accept_Encoding="compress").encoding is None
    assert read(asked).encoding is None


def test_get_is_read_only() -> None:
    assert read(method="GET").read_only
    assert not read(method="POST").read_only


@pytest.mark.parametrize(
    ("value", "size"), [("1000", 1000), ("", 262144), ("-5", 262144), ("x", 262144), ("0", 262144)]
)
def test_the_limit_of_a_statement_is_clickhouses_unless_it_is_set(value: str, size: int) -> None:
    assert read(("max_query_size", value)).max_query_size == size
