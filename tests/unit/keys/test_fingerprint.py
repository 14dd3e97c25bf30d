"""Our fingerprint is ClickHouse's. Expected values were computed by ClickHouse 26.9 (chdb): sipHash128Keyed."""

from stronghouse.keys.fingerprint import DISK_KEY, key_fingerprint, sip_hash_128


def test_fingerprint_of_a_key_is_what_clickhouse_writes_into_file_headers() -> None:
    assert key_fingerprint(bytes(range(32))) == "c4fa3b111f8411175d95653760cce256"


def test_disk_key_is_the_public_text() -> None:
    assert b"".join(half.to_bytes(8, "big") for half in DISK_KEY) == b"ChEncryptedDiskF"


def test_hash_agrees_with_clickhouse_at_every_length_of_tail() -> None:
    expected = {
        b"": "9d36c1732c1d2d6de6910a9219b205eb",
        b"a": "7a8ad4f2115f08188c76ac243f949d5f",
        b"1234567": "ac533e661e4fdb7be8b893d33a9b189c",
        b"12345678": "6a9ddaff7acc2875d66df246f4687b2f",
        b"123456789": "d725e1373e049ef72ca11e62ee4230ed",
        bytes(range(16)): "61bd24fe29e1b411aff2f55c7cc63248",
        bytes(range(255)): "923cb1c474cd3e618b2ffb280e3e94a5",
    }
    assert {data: sip_hash_128(data, (1, 2)).hex() for data in expected} == expected
