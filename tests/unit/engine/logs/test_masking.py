import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stronghouse.engine.errors import parse_error
from stronghouse.engine.logs.masking import HIDDEN, MAX_SETTING, mask, mask_settings, mask_text, mask_written, scrub
from stronghouse.engine.logs.records import MAX_QUERY

H = f"'{HIDDEN}'"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT encrypt('aes-256-gcm', 'plain', 'key', 'iv')", f"SELECT encrypt('aes-256-gcm', {H}, {H}, {H})"),
        ("SELECT tryDecrypt('aes-256-gcm', c, unhex('00ff'))", f"SELECT tryDecrypt('aes-256-gcm', c, {H})"),
        ("SELECT AES_ENCRYPT_MYSQL('aes-128-ecb', c, 'k')", f"SELECT AES_ENCRYPT_MYSQL('aes-128-ecb', c, {H})"),
        ("SELECT HMAC('sha256', 'message', 'key')", f"SELECT HMAC('sha256', {H}, {H})"),
        ("SELECT sipHash64Keyed((1, 2), c)", f"SELECT sipHash64Keyed(({H}, {H}), c)"),
        ("SELECT encrypt('secret as mode', c, 'k')", f"SELECT encrypt({H}, c, {H})"),
        ("SELECT encrypt('aes-256-gcm', c, {k:String})", "SELECT encrypt('aes-256-gcm', c, {k:String})"),
        ("SELECT decrypt('aes-256-gcm', c, 'k') AS d FROM t WHERE n = 'x'", None),
        ("CREATE USER b IDENTIFIED BY 'p'", f"CREATE USER b IDENTIFIED BY {H}"),
        ("ALTER USER bob IDENTIFIED BY forgotten", f"ALTER USER bob IDENTIFIED BY {H}"),
        ("SELECT * FROM mysql('h:1', 'd', 't', 'u', 'pw')", f"SELECT * FROM mysql('h:1', {H}, {H}, {H}, {H})"),
        ("CREATE TABLE t (a String) ENGINE = S3('https://h/x', 'AK', 'SK')", None),
        ("SET s3_secret_access_key = 'sk'", f"SET s3_secret_access_key = {H}"),
        ("SELECT 1 SETTINGS password = 12345, max_threads = 2", f"SELECT 1 SETTINGS password = {H}, max_threads = 2"),
        ("SELECT c FROM t WHERE t.password IN ('a', 'b') AND n = 'x'", None),
        ("SELECT url('http://u:p%40w@host/p?token=t0k&x=1#f')", f"SELECT url('http://{HIDDEN}@host/p?token={HIDDEN}&x=1#f')"),
        ("SELECT 'https://h/?X-Amz-Signature=ab12&X-Amz-Date=1'", f"SELECT 'https://h/?X-Amz-Signature={HIDDEN}&X-Amz-Date=1'"),
        ("SELECT 'access_token=abc;host=h'", f"SELECT 'access_token={HIDDEN};host=h'"),
        ("SELECT 'Authorization: Bearer abcdef123456'", f"SELECT 'Authorization: Bearer {HIDDEN}'"),
        (r"""SELECT '{"apiKey": "k\\"ey", "a": 1}'""", f"""SELECT '{{"apiKey": "{HIDDEN}", "a": 1}}'"""),
        ("SELECT 'sh_0123456789abcdefABC'", f"SELECT {H}"),
        ("SELECT 'a-eyJ-eyJhbGciOi.eyJzdWIiOi.c2ln'", f"SELECT 'a-{HIDDEN}'"),
        ("SELECT 'eyJhbGciOi-sh_0123456789abcdefABC'", f"SELECT 'eyJhbGciOi-{HIDDEN}'"),
        ("SELECT '-----BEGIN PRIVATE KEY-----\\nMHc'", f"SELECT '-----BEGIN PRIVATE KEY-----{HIDDEN}"),
    ],
)  # fmt: skip
def test_a_secret_is_masked_where_it_stands(sql: str, expected: str | None) -> None:
    shown = mask(sql).text
    if expected is not None:
        assert shown == expected
    else:
        assert HIDDEN in shown
        assert "'k'" not in shown
        assert "SK" not in shown
        assert "'a'" not in shown
        assert sql.endswith("'x'") == shown.endswith("'x'")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT count() FROM t WHERE name = 'a' AND x IN (1, 2) GROUP BY key ORDER BY token_count LIMIT 5",
        "INSERT INTO secrets (a, b)",
        "SELECT 'a = b', 'mailto:x@y', x -> 1, t.c FROM values('a String', ('key'))",
        "CREATE ROLE reader SETTINGS max_threads = 2",
        "SELECT encrypt('aes-256-gcm', c, {k:String}) FROM t WHERE name = 'x'",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(sql: str) -> None:
    masked = mask(sql)
    assert masked.text == sql
    assert not masked.secrets.values


@pytest.mark.parametrize(
    "sql",
    [
        "WITH 'hunter22' AS k SELECT encrypt('aes-256-gcm', c, k) FROM t",
        "SELECT encrypt('aes-256-gcm', c, k) FROM (SELECT 'hunter22' AS k)",
        "SELECT arrayMap(p -> encrypt('aes-256-gcm', p, {k:String}), ['hunter22'])",
        "SELECT arrayMap((n, p) -> encrypt('aes-256-gcm', p, {k:String}), [1], ['hunter22'])",
        "SELECT encrypt('aes-256-gcm', p, {k:String}) FROM values('p String', ('hunter22'))",
        "WITH 'hunter22' AS p SELECT encrypt('aes-256-gcm', p, 'key')",
        "SELECT encrypt('aes-256-gcm', c, \u201chunter22\u201d)",
        "SELECT encrypt('aes-256-gcm', c, \"hunter22\")",
        "SELECT encrypt('aes-256-gcm', c, 'hunter22",
        "SELECT encrypt('aes-256-gcm', c, concat('hunt', lower('hunter22'))",
        "ALTER USER x IDENTIFIED BY $$hunter22$$",
        "SELECT \u2026, password = hunter22",
        "SET password = 'hunter22', \u2026",
        "SELECT " + "1, " * 50_000 + "encrypt('aes-256-gcm', c, 'hunter22')",
    ],
)
def test_a_secret_is_found_by_way_of_names_and_in_broken_statements(sql: str) -> None:
    masked = mask(sql)
    assert "hunter22" not in masked.text
    assert "hunter22" not in scrub(
        "Code: 62. Syntax error: failed at position 9 (hunter22): 'hunter22'", masked.secrets
    )


def test_errors_lose_what_the_statement_hid_in_any_notation() -> None:
    secrets = mask(r"SELECT encrypt('aes-256-gcm', 'a', 'it\'s secret', 'iv12')").secrets
    told = scrub(r"In scope encrypt('a', 'it\'s secret'): it's secret, iv12; 'a' is not a", secrets)
    assert told == f"In scope encrypt({H}, {H}): {HIDDEN}, {HIDDEN}; {H} is not a"


def test_errors_lose_what_looks_like_a_secret() -> None:
    assert (
        scrub("cannot connect to http://u:pw@h/", mask("SELECT 1").secrets) == f"cannot connect to http://{HIDDEN}@h/"
    )


def test_the_operators_rules_come_last_and_everywhere() -> None:
    def rule(text: str) -> str:
        return text.replace("4711", HIDDEN)

    masked = mask("SELECT 4711", rule)
    assert masked.text == f"SELECT {HIDDEN}"
    assert scrub("no 4711", masked.secrets, rule) == f"no {HIDDEN}"


def test_settings_and_headers_are_masked_by_name_and_look() -> None:
    assert mask_settings({"max_threads": "2", "s3_access_key": "x", "u": "http://a:b@c"}) == {
        "max_threads": "2",
        "s3_access_key": HIDDEN,
        "u": f"http://{HIDDEN}@c",
    }
    assert mask_text("https://h/?token=abc") == f"https://h/?token={HIDDEN}"


def test_nothing_tells_a_secret_when_it_is_printed() -> None:
    assert "hunter22" not in repr(mask("SELECT encrypt('aes-256-gcm', 'a', 'hunter22')"))


@pytest.mark.parametrize(
    "unit",
    ["encrypt(", "encrypt('a',b,", "password = (", "x -> encrypt(x)", ") -> ", "://a", '"a_a_a_', "key-", "'\"", "a@"],
)
def test_no_statement_takes_time_out_of_proportion(unit: str) -> None:
    def seconds(length: int) -> float:
        begin = time.process_time()
        scrub((unit * length)[:length], mask((unit * length)[:length]).secrets)
        return time.process_time() - begin

    seconds(1000)
    short, long = (min(seconds(length) for _ in range(2)) for length in (2_000, 20_000))
    assert long < 40 * short + 0.05  # a square would be 100 times as long


@settings(max_examples=50)
@given(
    st.text(alphabet="aeX'\"`\\(),=:{}$/ -\n\u00e9\udcff", max_size=60),
    st.sampled_from(["encrypt(", "password=", "IDENTIFIED BY ", ""]),
)
def test_masking_never_fails_and_never_lengthens_without_end(text: str, word: str) -> None:
    masked = mask(f"SELECT {word}{text}")
    assert len(masked.text) <= 40 * (len(text) + 20)
    scrub(text, masked.secrets)


def test_a_long_statement_is_cut() -> None:
    assert len(mask("SELECT " + "x" * (4 << 20)).text) <= MAX_QUERY


@pytest.mark.parametrize(
    "unit", ["-eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa.-", "Syntax error ", "failed at position ", ". Expected ", "sh-", "'"]
)
def test_no_long_text_keeps_everybody_waiting(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    for secrets in (mask("SELECT encrypt('aes-256-gcm', c, k) FROM t").secrets, mask_written(f"'{text}").secrets):
        begin = time.process_time()
        mask(text)
        mask_written(text)
        scrub(text, secrets)
        assert time.process_time() - begin < 1.0


def test_settings_are_cut() -> None:
    assert len(mask_settings({"a": "x" * 1_000_000})["a"]) == MAX_SETTING


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER zed IDENTIFED WITH sha256_password BY 'hunter22'",
        "CRATE USR zed IDENTIFED BY 'hunter22'",
        "CREATE USER zed IDNTFIED BY 'hunter22'",
        "SELECT ecrypt('aes', 'x', 'hunter22') FRM signature",
        "SELECT FRM t WHERE pasword = 'x', token: 'hunter22'",
    ],
)
def test_a_statement_that_is_misspelt_keeps_its_secrets(sql: str) -> None:
    masked = mask_written(sql)
    assert "hunter22" not in masked.text
    told = scrub(
        f"Syntax error: failed at position 3 ({sql[2:6]}) (line 1, col 3): {sql}. Expected one of: A, B", masked.secrets
    )
    assert told == f"Syntax error: failed at position 3 {HIDDEN}. Expected one of: A, B"


def test_an_error_quotes_a_misspelt_statement_only_without_strings() -> None:
    told = "Syntax error: failed at position 8 (x): x. Expected FROM"
    assert scrub(told, mask_written("SELECT x FRM key").secrets) == told
    quoting = "Syntax error: failed at position 8 (x): x '. Expected b'. Expected FROM"
    assert (
        scrub(quoting, mask_written("SELECT x '. Expected b'").secrets)
        == f"Syntax error: failed at position 8 {HIDDEN}"
    )


def test_a_statement_that_was_not_admitted_loses_only_what_may_be_a_secret() -> None:
    assert mask_written("SELECT 'x' FROM t ORDER BY 1").text == "SELECT 'x' FROM t ORDER BY 1"
    assert (
        mask_written("SELECT user FROM t WHERE key = 'x' ORDER BY 1").text
        == f"SELECT user FROM t WHERE key = {H} ORDER BY 1"
    )


def test_no_part_of_a_secret_stays_at_the_end_of_an_error_that_was_cut() -> None:
    secret = "hunter22" * 10
    secrets = mask(f"SELECT encrypt('aes-256-gcm', c, '{secret}')").secrets
    error = parse_error(f"Code: 1. DB::Exception: {'x' * (20_000 - 20)}{secret} (A_B)")
    assert "hunter22" not in scrub(error.public, secrets)
