import pytest

from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.options import Options, read_options


def read(*pairs: tuple[str, str], method: str = "POST", **headers: str) -> Options:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return read_options(method, named, pairs)


def test_what_is_neither_known_nor_a_parameter_is_a_setting() -> None:
    options = read(("query", "SELECT 1"), ("max_threads", "2"), ("param_x", "3"), ("user", "u"), ("stacktrace", "1"))
    assert options.query == "SELECT 1"
    assert options.settings == {"max_threads": "2"}
    assert options.parameters == {"x": "3"}
    assert options.query_id == ""


@pytest.mark.parametrize(
    ("pair", "number"),
    [
        (("profile", "x"), 452),
        (("input_format_values_interpret_expressions", "1"), 452),
        (("max_threads=1,readonly", "0"), 115),
        (("default_format", "CSV; DROP"), 73),
        (("query_id", "x" * 129), 36),
        (("query_id", "a\r\nX-Evil: 1"), 36),
        (("quota_key", "x" * 513), 36),
        (("param_a b", "1"), 36),
    ],
)
def test_what_may_not_be_asked_is_refused(pair: tuple[str, str], number: int) -> None:
    with pytest.raises(DatabaseError) as refused:
        read(pair)
    assert refused.value.number == number


@pytest.mark.parametrize(
    "name", ["database", "session_id", "quota_key", "param_x", "max_threads", "role", "default_format", "param_\udcff"]
)
def test_what_is_not_utf_8_is_refused(name: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        read((name, "a\udcff"))
    assert refused.value.number == 36


@pytest.mark.parametrize("header", ["X_ClickHouse_Database", "X_ClickHouse_Quota", "X_ClickHouse_Format"])
def test_a_header_that_is_not_utf_8_is_refused(header: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        read(**{header: "a\udcff"})
    assert refused.value.number == 36


def test_other_alphabets_are_text() -> None:
    options = read(("database", "данные"), ("param_x", "é😀"), ("query", "SELECT '\udcff'"))
    assert (options.database, options.parameters) == ("данные", {"x": "é😀"})
    assert options.query == "SELECT '\udcff'"  # refused when it is read


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


@pytest.mark.parametrize(("value", "size"), [("100000", 100000), ("0", 262144)])
def test_the_limit_of_a_statement_is_clickhouses_unless_it_is_set(value: str, size: int) -> None:
    assert read(("max_query_size", value)).max_query_size == size


@pytest.mark.parametrize("value", ["1000", "", "-5", "x"])
def test_a_limit_that_no_statement_fits_in_is_refused(value: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        read(("max_query_size", value))
    assert refused.value.number == 452


def test_roles_may_be_several() -> None:
    assert read(("role", "a"), ("role", "b c"), ("role", "a"), ("role", "")).roles == ("a", "b c")
    assert read().roles == ()
    with pytest.raises(DatabaseError) as refused:
        read(*[("role", str(number)) for number in range(257)])
    assert refused.value.number == 36


def test_headers_stand_in_for_parameters_and_parameters_come_first() -> None:
    headers = {
        "X_ClickHouse_Database": "d",
        "X_ClickHouse_Format": "CSV",
        "X_ClickHouse_Quota": "q",
        "X_ClickHouse_Query_Id": "i",
    }
    options = read(**headers)
    assert (options.database, options.default_format, options.quota_key, options.query_id) == ("d", "CSV", "q", "i")
    given = (("database", "D"), ("default_format", "TSV"), ("quota_key", "Q"), ("query_id", "I"))
    options = read(*given, **headers)
    assert (options.database, options.default_format, options.quota_key, options.query_id) == ("D", "TSV", "Q", "I")


def test_native_compression_is_asked_for_in_each_direction_alone() -> None:
    assert not read().compress
    assert read(("compress", "1")).compress
    assert not read(("compress", "1")).decompress
    assert read(("decompress", "true")).decompress
    assert not read(("decompress", "0")).decompress


@pytest.mark.parametrize(
    ("pairs", "seconds"),
    [
        ((), None),
        ((("send_progress_in_http_headers", "0"),), None),
        ((("http_headers_progress_interval_ms", "200"),), None),
        ((("send_progress_in_http_headers", "1"),), 0.1),
        ((("send_progress_in_http_headers", "1"), ("http_headers_progress_interval_ms", "2500")), 2.5),
        ((("send_progress_in_http_headers", "1"), ("http_headers_progress_interval_ms", "0")), 0.1),
        ((("send_progress_in_http_headers", "1"), ("http_headers_progress_interval_ms", "1")), 0.05),
        ((("send_progress_in_http_headers", "1"), ("http_headers_progress_interval_ms", "x")), 0.1),
    ],
)
def test_progress_is_told_when_it_is_asked_for(pairs: tuple[tuple[str, str], ...], seconds: float | None) -> None:
    assert read(*pairs).progress_seconds == seconds


@pytest.mark.parametrize(("text", "size"), [("", None), ("0", None), ("x", None), ("-1", None), ("1048576", 1 << 20)])
def test_a_buffer_has_a_size_or_the_usual_one(text: str, size: int | None) -> None:
    assert read(("buffer_size", text)).buffer_size == size


def test_a_session_may_end_with_its_request() -> None:
    kept, closed = read(("session_id", "s")).session, read(("session_id", "s"), ("close_session", "1")).session
    assert kept is not None
    assert closed is not None
    assert (kept.closes, closed.closes) == (False, True)
    assert read(("close_session", "1")).session is None
