import pytest

from stronghouse.engine.boundary.storage import check_codecs, check_engines, check_format
from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import split


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("CREATE TABLE t (`a` Int) ENGINE = MergeTree ORDER BY a", False),
        ("CREATE TABLE t (`a` Int) ENGINE = mergetree ORDER BY a", True),
        ("CREATE TABLE t (`a` Int) ENGINE = Log", True),
        ("CREATE TABLE t (`a` Int) ENGINE = SomethingNew", True),
        ("CREATE TABLE t (`a` Int) ENGINE = 'Memory'", True),
        ("CREATE DATABASE d ENGINE = Atomic", False),
        ("CREATE DATABASE d ENGINE = MergeTree", True),
        ("CREATE VIEW v AS SELECT engine = 'Log' FROM t", False),
        ("SELECT * FROM t WHERE ENGINE = Log", False),
    ],
)
def test_engines(sql: str, refused: bool) -> None:
    if refused:
        with pytest.raises(DatabaseError, match="497"):
            check_engines(split(sql))
    else:
        check_engines(split(sql))


def test_codecs_need_no_keys() -> None:
    check_codecs(split("CREATE TABLE t (`a` Int CODEC(Delta(4), ZSTD(1)), `b` Int CODEC(Default))"))
    check_codecs(split("SELECT codec (AES_128_GCM_SIV) FROM t"))
    for codec, code in (("AES_128_GCM_SIV", "497"), ("LZ4, aes_256_gcm_siv", "497"), ("SomethingNew", "432")):
        with pytest.raises(DatabaseError, match=code):
            check_codecs(split(f"CREATE TABLE t (`a` Int CODEC({codec}))"))


def test_formats_are_those_that_were_reviewed() -> None:
    check_format("JSONEachRow")
    check_format("csv")
    for name, code in (("AvroConfluent", "497"), ("avroconfluent", "497"), ("SomethingNew", "73")):
        with pytest.raises(DatabaseError, match=code):
            check_format(name)
