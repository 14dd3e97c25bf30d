"""ClickHouse's HTTP interface as clients rely on it."""

import base64
import bz2
import gzip
import io
import json
import socket
import time
import zlib

import lz4.frame
import pytest
import zstandard

from tests.integration.worker.service import PASSWORD, Service, in_threads, password_hash


def test_ping_needs_no_password_and_play_does_not_exist(service: Service) -> None:
    connection = service.connection()
    for path, status, body in (("/ping", 200, b"Ok.\n"), ("/replicas_status", 200, b"Ok.\n"), ("/", 200, b"Ok.\n")):
        connection.request("GET", path)
        response = connection.getresponse()
        assert (response.status, response.read()) == (status, body)
    connection.request("GET", "/play")
    response = connection.getresponse()
    assert response.status == 404
    response.read()
    connection.close()


def test_the_owner_is_known_in_three_ways(service: Service) -> None:
    basic = "Basic " + base64.b64encode(f"default:{PASSWORD}".encode()).decode()
    sql = "SELECT currentUser()"
    assert service.ask(sql).text == "default\n"
    assert service.ask(sql, password=None, headers={"Authorization": basic}).text == "default\n"
    assert service.ask(sql, password=None, url={"user": "default"}).status == 403
    assert service.ask(sql, password=None, url={"user": "default", "password": PASSWORD}).text == "default\n"
    answer = service.ask(sql, url={"user": "default", "password": PASSWORD})  # and by headers
    assert (answer.status, answer.code) == (403, 516)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "wrong"},
        {"X-ClickHouse-User": "admin", "X-ClickHouse-Key": PASSWORD},
        {"X-ClickHouse-User": "default"},
        {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password_hash(PASSWORD)},
        {"Authorization": "Basic ZGVmYXVsdDp3cm9uZw=="},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer x"},
    ],
)
def test_wrong_credentials_get_516(service: Service, headers: dict[str, str]) -> None:
    answer = service.ask("SELECT 1", password=None, headers=headers)
    assert (answer.status, answer.code) == (403, 516)
    assert "AUTHENTICATION_FAILED" in answer.text


def test_no_credentials_get_a_challenge(service: Service) -> None:
    answer = service.ask("SELECT 1", password=None)
    assert (answer.status, answer.code) == (401, 516)
    assert "password is incorrect, or there is no user with such name" in answer.text
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT nothing", 404, 47),
        ("SELECT * FROM nothing", 404, 60),
        ("SELECT noFunction()", 404, 46),
        ("SELECT 1 FORMAT Nothing", 404, 73),
        ("SELECT * FROM nothing.nothing", 404, 81),
        ("SELECT toInt8('x')", 400, 6),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT 1 SETTINGS nothing = 1", 404, 115),
    ],
)
def test_errors_have_clickhouses_codes_and_statuses(service: Service, sql: str, status: int, code: int) -> None:
    answer = service.ask(sql)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert answer.text.rstrip().endswith("(official build))")


def test_get_changes_nothing(service: Service) -> None:
    assert service.ask(method="GET", query="SELECT 1").text == "1\n"
    for sql in ("CREATE TABLE g (a Int) ENGINE = Memory", "DROP DATABASE nothing", "SYSTEM DROP MARK CACHE"):
        assert service.ask(method="GET", query=sql).code == 164, sql
    assert service.ask(method="GET", query="SELECT 1 SETTINGS max_threads = 1").status == 200


def test_headers_of_an_answer(service: Service) -> None:
    answer = service.ask("SELECT number FROM numbers(1000)", query_id="mine", default_format="JSONEachRow")
    assert answer.headers["x-clickhouse-query-id"] == "mine"
    assert answer.headers["x-clickhouse-format"] == "JSONEachRow"
    assert answer.headers["x-clickhouse-timezone"] == "UTC"
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    summary = json.loads(answer.headers["x-clickhouse-summary"])
    assert summary["read_rows"] == "1000"
    assert all(isinstance(value, str) for value in summary.values())


def test_parameters_settings_and_database(service: Service) -> None:
    sql = "SELECT {n:Int32} + 1, {s:String}, {a:Array(String)}"
    assert service.run(sql, param_n="4", param_s="a\\tb'", param_a="['x','y\\'z']") == "5\ta\\tb\\'\t['x','y\\'z']\n"
    assert service.run("SELECT getSetting('max_threads')", max_threads="3") == "3\n"
    assert service.run("SELECT currentDatabase()", database="system") == "system\n"
    assert service.ask("SELECT 1", database="`; DROP DATABASE default").code == 81
    assert service.ask("SELECT 1", default_format="CSV INTO OUTFILE 'x'").code == 73
    assert service.ask("SELECT 1", url={"max_threads = 1, readonly": "1"}).code == 115


FORMATS = ["TabSeparatedWithNamesAndTypes", "CSVWithNames", "JSON", "JSONEachRow", "Native", "RowBinaryWithNames"]


@pytest.mark.parametrize("output_format", [*FORMATS, "Parquet", "Arrow", "ArrowStream", "Pretty", "XML", "Values"])
def test_every_format_is_one_document_however_long(service: Service, output_format: str) -> None:
    """Two blocks are more than one: a header per block would show."""
    count = 150_000
    long = service.ask(f"SELECT number, toString(number) AS s FROM numbers({count}) FORMAT {output_format}")
    assert long.status == 200
    assert long.headers["x-clickhouse-format"] == output_format
    if output_format == "JSON":
        assert json.loads(long.body)["rows"] == count
    if output_format == "CSVWithNames":
        assert long.body.count(b"number") == 1
        assert long.body.count(b"\n") == count + 1
    if output_format in {"Parquet", "Native", "ArrowStream", "RowBinaryWithNames"}:
        name = f"back_{output_format}"
        service.run(f"CREATE TABLE {name} (number UInt64, s String) ENGINE = MergeTree ORDER BY number")
        assert service.ask(long.body, query=f"INSERT INTO {name} FORMAT {output_format}").status == 200
        assert (
            service.run(f"SELECT count(), sum(number), uniqExact(s) FROM {name}") == f"{count}\t11249925000\t{count}\n"
        )


def encode(encoding: str, data: bytes) -> bytes:
    compressors = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress, "bz2": bz2.compress}
    return bytes(compressors.get(encoding, lz4.frame.compress)(data))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4", "bz2"])
def test_compressed_bodies_are_read_to_the_last_frame(service: Service, encoding: str) -> None:
    """clickhouse-connect sends one lz4 frame for each block; reading only the first loses rows without a word."""
    table = f"encoded_{encoding}"
    service.run(f"CREATE TABLE {table} (n UInt64) ENGINE = MergeTree ORDER BY n")
    lines = [f"{number}\n".encode() for number in range(30_000)]
    halves = (b"".join(lines[:10_000]), b"".join(lines[10_000:]))
    body = (
        encode(encoding, halves[0] + halves[1])
        if encoding == "deflate"
        else b"".join(encode(encoding, half) for half in halves)
    )
    headers = {"Content-Encoding": encoding}
    assert service.ask(body, query=f"INSERT INTO {table} FORMAT CSV", headers=headers).status == 200
    assert service.run(f"SELECT count(), sum(n) FROM {table}") == f"30000\t{sum(range(30_000))}\n"
    cut = service.ask(body[:-7], query=f"INSERT INTO {table} FORMAT CSV", headers=headers)
    assert cut.status != 200, "a body that is cut off must not look like a whole one"
    compressed_sql = encode(encoding, b"SELECT 42")
    assert service.ask(compressed_sql, headers=headers).text == "42\n"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "lz4", "br"])
def test_responses_are_compressed_on_request_only(service: Service, encoding: str) -> None:
    sql = "SELECT number FROM numbers(100000)"
    plain = service.ask(sql, headers={"Accept-Encoding": encoding})
    assert "content-encoding" not in plain.headers
    packed = service.ask(sql, headers={"Accept-Encoding": encoding}, enable_http_compression="1")
    assert packed.headers["content-encoding"] == encoding
    assert len(packed.body) < len(plain.body) * 0.8
    decoders = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "lz4": lz4.frame.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read(),
    }
    if encoding in decoders:
        assert decoders[encoding](packed.body) == plain.body


def test_a_compression_that_is_not_supported_is_refused_clearly(service: Service) -> None:
    assert service.ask("SELECT 1", headers={"Content-Encoding": "snappy"}).code == 89


def test_data_and_statement_are_told_apart(service: Service) -> None:
    service.run("CREATE TABLE split (a Int32, b String) ENGINE = MergeTree ORDER BY a")
    cases: list[tuple[str | None, bytes]] = [
        (None, b"INSERT INTO split FORMAT CSV\n1,SELECT\n"),
        (None, b"  /* c */ insert into `split` (a, b) format TabSeparated\n2\tFORMAT CSV\n"),
        ("INSERT INTO split FORMAT JSONEachRow", b'{"a":3,"b":"VALUES"}'),
        ("INSERT INTO split (a, b)", b"VALUES (4, 'x;y')"),
        (None, b"INSERT INTO default.split VALUES (5, 'it''s'), (6, '--')"),
        ("INSERT INTO split FORMAT CSV\n7,inline", b"8,body\n"),
        (None, b"INSERT INTO split SELECT 9, 'FORMAT'"),
        ("INSERT INTO split SETTINGS async_insert=0 FORMAT CSV;", b"10,z\n"),
    ]
    for query, body in cases:
        answer = service.ask(body, query=query)
        assert answer.status == 200, (query, body, answer.text)
    assert service.run("SELECT groupArray(a) FROM (SELECT a FROM split ORDER BY a)") == "[1,2,3,4,5,6,7,8,9,10]\n"
    assert service.run("SELECT b FROM split WHERE a IN (2, 5, 6) ORDER BY a FORMAT TSVRaw") == "FORMAT CSV\nit's\n--\n"


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO told # c\nVALUES (2)",
        "# c\nINSERT INTO told VALUES (3)",
        "\ufeffINSERT INTO told VALUES (4)",
        "INSERT INTO\u00a0told VALUES (5)",
        "INSERT INTO told SETTINGS format_csv_null_representation=$$a$$ VALUES (6)",
    ],
)
def test_an_insert_whose_data_cannot_be_found_is_refused_or_stored_never_dropped(service: Service, text: str) -> None:
    service.ask("CREATE OR REPLACE TABLE told (a UInt64) ENGINE = MergeTree ORDER BY a")
    answer = service.ask(text)
    stored = service.ask("SELECT count() FROM told").text.strip()
    assert (answer.status == 200) == (stored == "1"), (answer.text, stored)


def test_the_name_of_a_parameter_cannot_set_anything(service: Service) -> None:
    service.ask("CREATE OR REPLACE TABLE named (a UInt64) ENGINE = MergeTree ORDER BY a")
    parameters = {"param_t": "named", "param_x='1', input_format_record_errors_file_path": "errors"}
    answer = service.ask("INSERT INTO {t:Identifier} FORMAT CSV\n1\n", url=parameters)
    assert (answer.status, answer.code) == (400, 36)


def test_a_second_deflate_stream_is_not_dropped(service: Service) -> None:
    service.ask("CREATE OR REPLACE TABLE twice (a UInt64) ENGINE = MergeTree ORDER BY a")
    body = zlib.compress(b"INSERT INTO twice FORMAT TSV\n1\n") + zlib.compress(b"2\n")
    answer = service.ask(body, headers={"Content-Encoding": "deflate"})
    assert answer.status != 200


def test_an_insert_into_a_table_named_by_a_parameter(service: Service) -> None:
    service.run("CREATE TABLE by_parameter (a Int32) ENGINE = MergeTree ORDER BY a")
    sql = "INSERT INTO {t:Identifier} FORMAT CSV"
    assert service.ask(b"1\n2\n", query=sql, param_t="by_parameter").status == 200
    assert service.run("SELECT count() FROM {t:Identifier}", param_t="by_parameter") == "2\n"


def test_bad_data_say_which_row_and_keep_nothing_of_the_block(service: Service) -> None:
    service.run("CREATE TABLE bad_data (a Int32) ENGINE = MergeTree ORDER BY a")
    answer = service.ask(b"1\n2\nx\n", query="INSERT INTO bad_data FORMAT CSV")
    assert answer.status == 400
    assert service.run("SELECT count() FROM bad_data") == "0\n"


def test_a_session_keeps_its_tables_and_not_the_settings_of_single_requests(service: Service) -> None:
    def ask(sql: str, **parameters: str) -> str:
        return service.run(sql, session_id="s-1", **parameters)

    ask("CREATE TEMPORARY TABLE mine (a Int32)")
    assert service.ask("INSERT INTO mine VALUES (1)", session_id="s-1").status == 200
    assert ask("SELECT a, getSetting('max_threads'), currentDatabase() FROM mine", max_threads="7") == "1\t7\tdefault\n"
    assert ask("SELECT currentDatabase()", database="system") == "system\n"
    assert ask("SELECT getSetting('max_threads') = 7, currentDatabase()") == "0\tdefault\n"
    ask("SET max_threads = 5")
    assert ask("SELECT getSetting('max_threads')", max_threads="3") == "3\n"
    assert ask("SELECT getSetting('max_threads')") == "5\n"
    assert service.ask("SELECT * FROM mine").code == 60
    assert service.ask("SELECT 1", session_id="unknown", session_check="1").code == 372
    assert service.ask("SELECT 1", session_id="s-1", session_timeout="99999").code == 374


def test_a_session_serves_one_request_at_a_time(service: Service) -> None:
    answers = in_threads(2, lambda _: service.ask("SELECT sleep(0.7)", session_id="s-2"))
    assert sorted(answer.code for answer in answers) == [0, 373]


def test_a_session_ends_by_itself(service: Service) -> None:
    service.run("CREATE TEMPORARY TABLE gone (a Int32)", session_id="s-3", session_timeout="0.3")
    time.sleep(0.6)
    assert service.ask("SELECT * FROM gone", session_id="s-3").code == 60


def test_a_result_that_breaks_off_cannot_be_taken_for_whole(service: Service) -> None:
    sql = "SELECT number, throwIf(number = 9000000) FROM numbers(20000000) SETTINGS max_block_size = 65536 FORMAT CSV"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(service.socket))
        head = f"POST / HTTP/1.1\r\nHost: x\r\nX-ClickHouse-Key: {PASSWORD}\r\nContent-Length: {len(sql)}\r\n\r\n"
        connection.sendall(head.encode() + sql.encode())
        received = bytearray()
        while data := connection.recv(1 << 20):
            received += data
    head_bytes, _, body = bytes(received).partition(b"\r\n\r\n")
    assert head_bytes.startswith(b"HTTP/1.1 200")
    tag = next(
        line.split(b": ")[1] for line in head_bytes.split(b"\r\n") if line.startswith(b"X-ClickHouse-Exception-Tag")
    )
    assert b"__exception__\r\n" + tag + b"\r\nCode: 395" in body
    assert not body.endswith(b"0\r\n\r\n"), "the last chunk would mean that the result is whole"


def test_wait_end_of_query_gives_late_errors_their_status(service: Service) -> None:
    sql = "SELECT number, throwIf(number = 1500000) FROM numbers(3000000) SETTINGS max_block_size = 65536 FORMAT CSV"
    answer = service.ask(sql, wait_end_of_query="1")
    assert (answer.status, answer.code) == (500, 395)


def test_external_tables_come_with_the_query(service: Service) -> None:
    boundary = "b0undary"
    disposition = 'Content-Disposition: form-data; name="ids"; filename="ids"'
    part = f"--{boundary}\r\n{disposition}\r\n\r\n1\n2\n\r\n--{boundary}--\r\n"
    answer = service.ask(
        part,
        query="SELECT number FROM numbers(5) WHERE number IN ids ORDER BY 1",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        ids_structure="id UInt64",
        ids_format="TSV",
    )
    assert answer.text == "1\n2\n"


def test_a_client_that_goes_away_ends_its_query(service: Service) -> None:
    sql = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
    connection = service.connection()
    connection.request("POST", "/", body=sql, headers={"X-ClickHouse-Key": PASSWORD})
    limit = time.monotonic() + 5
    while not service.do(service.running.activity()).active_requests and time.monotonic() < limit:
        time.sleep(0.05)
    connection.close()
    while service.do(service.running.activity()).active_requests and time.monotonic() < limit:
        time.sleep(0.05)
    assert service.do(service.running.activity()).active_requests == 0
    left = "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%LIKE%'"
    assert service.run(left) == "0\n"


def test_a_reader_that_stops_reading_ends_its_query_when_it_goes(service: Service) -> None:
    connection = service.connection()
    connection.request("POST", "/", body="SELECT * FROM numbers(10000000000)", headers={"X-ClickHouse-Key": PASSWORD})
    connection.getresponse().read(1000)
    time.sleep(0.3)
    connection.close()
    limit = time.monotonic() + 5
    while service.do(service.running.activity()).active_requests and time.monotonic() < limit:
        time.sleep(0.05)
    assert service.do(service.running.activity()).active_requests == 0


def test_an_upload_that_breaks_off_is_not_committed(service: Service) -> None:
    service.run("CREATE TABLE broken_off (n UInt32) ENGINE = MergeTree ORDER BY n")
    body = b"".join(b"%d\n" % number for number in range(50_000))
    head = (
        "POST /?query=INSERT%20INTO%20broken_off%20FORMAT%20TSV HTTP/1.1\r\nHost: x\r\n"
        f"X-ClickHouse-Key: {PASSWORD}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(service.socket))
        connection.sendall(head.encode() + body[:-10_000])
        time.sleep(0.3)
    limit = time.monotonic() + 5
    while service.do(service.running.activity()).active_requests and time.monotonic() < limit:
        time.sleep(0.05)
    assert service.run("SELECT count() FROM broken_off") == "0\n"


def test_kill_query_ends_a_query_by_the_id_its_client_gave(service: Service) -> None:
    sql = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"

    def act(number: int) -> tuple[int, str]:
        if number == 0:
            answer = service.ask(sql, query_id='it\'s "mine" */')
            return answer.code, answer.text
        time.sleep(0.5)
        return 0, service.run("KILL QUERY WHERE query_id = 'it\\'s \"mine\" */'")

    killed, killer = in_threads(2, act)
    assert killed[0] == 394
    assert killer[1].startswith("waiting\t")
    assert service.run("KILL QUERY WHERE query_id = 'nobody'") == ""


def test_ten_clients_at_once_get_their_own_answers(service: Service) -> None:
    def act(number: int) -> list[str]:
        return [service.run(f"SELECT {number} * 1000 + {step}, sleep(0.01)") for step in range(10)]

    results = in_threads(10, act)
    assert results == [[f"{number * 1000 + step}\t0\n" for step in range(10)] for number in range(10)]


def test_ten_writers_at_once_lose_and_double_nothing(service: Service) -> None:
    service.run("CREATE TABLE writers (w Int32, n Int32) ENGINE = MergeTree ORDER BY (w, n)")

    def act(number: int) -> None:
        for step in range(10):
            rows = "".join(f"{number},{step * 100 + row}\n" for row in range(100))
            assert service.ask(rows, query="INSERT INTO writers FORMAT CSV").status == 200

    in_threads(10, act)
    assert service.run("SELECT count(), uniqExact(w, n) FROM writers") == "10000\t10000\n"


def test_a_long_statement_in_the_url_and_a_longer_one_in_the_body(service: Service) -> None:
    numbers = ",".join(str(number) for number in range(20_000))
    assert service.ask(query=f"SELECT length([{numbers}])").text == "20000\n"
    longer = f"SELECT length('{'x' * 300_000}')"
    assert service.ask(longer, max_query_size="10000000").text == "300000\n"
    assert service.ask(longer).code == 62
    assert service.ask("SELECT '" + "x" * (5 << 20) + "'", max_query_size="10000000").status == 413


def test_the_log_names_no_statement_parameter_or_password(service: Service) -> None:
    service.ask("SELECT 'canary-statement', {p:String}", param_p="canary-parameter")
    service.ask("SELECT canary_error")
    service.ask("SELECT 'canary-trace' SETTINGS send_logs_level = 'trace'")
    service.ask("SELECT 1", headers={"X-ClickHouse-Key": "canary-password"}, password=None)
    service.ask("SELECT 1", query_id="marked")
    log = service.log.read_text()
    assert '"event": "ready"' in log
    assert "canary" not in log
