"""ClickHouse's fingerprint of a data key: what its encrypted disks write into the header of each file.

It is SipHash-2-4 in ClickHouse's 128-bit form (`sipHash128Keyed`: the four state words folded by XOR, not the
reference SipHash-128) under a public key. It names a key; it proves nothing about who has it.
"""

MASK = (1 << 64) - 1
DISK_KEY = (0x4368456E63727970, 0x7465644469736B46)
"""The hash key of disk fingerprints: "ChEncryptedDiskF" (reference/crypto.md section D)."""
FINGERPRINT_BYTES = 16


def key_fingerprint(key: bytes) -> str:
    """The fingerprint of a data key in the byte order of file headers, lower-case hex."""
    return sip_hash_128(key, DISK_KEY).hex()


def sip_hash_128(data: bytes, key: tuple[int, int]) -> bytes:
    """ClickHouse's `sipHash128Keyed(key, data)`, 16 bytes."""
    state = [
        key[0] ^ 0x736F6D6570736575,
        key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261,
        key[1] ^ 0x7465646279746573,
    ]
    whole = len(data) - len(data) % 8
    words = [int.from_bytes(data[start : start + 8], "little") for start in range(0, whole, 8)]
    words.append((len(data) & 0xFF) << 56 | int.from_bytes(data[whole:], "little"))
    for word in words:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return (state[0] ^ state[1]).to_bytes(8, "little") + (state[2] ^ state[3]).to_bytes(8, "little")


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = (a + b) & MASK
        b = _rotate(b, 13) ^ a
        a = _rotate(a, 32)
        c = (c + d) & MASK
        d = _rotate(d, 16) ^ c
        a = (a + d) & MASK
        d = _rotate(d, 21) ^ a
        c = (c + b) & MASK
        b = _rotate(b, 17) ^ c
        c = _rotate(c, 32)
    state[:] = (a, b, c, d)


def _rotate(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & MASK
