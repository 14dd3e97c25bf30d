"""The tree against a second, naive reading of RFC 6962."""

import hashlib

import pytest

from stronghouse.audit import tree

LEAVES = [tree.leaf_hash(f"event {number}".encode()) for number in range(130)]


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


@pytest.fixture(scope="module")
def nodes() -> tree.Nodes:
    stored: dict[tuple[int, int], bytes] = {}
    for size, leaf in enumerate(LEAVES):
        for level, index, value in tree.append(size, leaf, lambda level, index: stored[level, index]):
            assert (level, index) not in stored, "a subtree is completed once"
            stored[level, index] = value
    return lambda level, index: stored[level, index]


def test_leaves_and_nodes_are_hashed_in_different_domains() -> None:
    left, right = LEAVES[:2]
    assert tree.leaf_hash(left + right) != tree.node_hash(left, right)


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_root_equals_the_naive_root_at_every_size(size: int, nodes: tree.Nodes) -> None:
    assert tree.root(size, nodes) == naive_root(LEAVES[:size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65, 129])
def test_every_inclusion_proof_holds_and_holds_for_nothing_else(size: int, nodes: tree.Nodes) -> None:
    head = tree.root(size, nodes)
    for index in range(size):
        proof = tree.inclusion_proof(index, size, nodes)
        assert tree.verify_inclusion(LEAVES[index], index, size, proof, head)
        assert not tree.verify_inclusion(LEAVES[index + 1], index, size, proof, head)
        assert not tree.verify_inclusion(LEAVES[index], index, size, [*proof, head], head)
        assert not proof or not tree.verify_inclusion(LEAVES[index], index, size, proof[:-1], head)
        assert size == 1 or not tree.verify_inclusion(LEAVES[index], (index + 1) % size, size, proof, head)


def test_every_consistency_proof_holds_and_a_rewritten_past_does_not(nodes: tree.Nodes) -> None:
    for second in range(1, 70):
        for first in range(1, second + 1):
            heads = tree.root(first, nodes), tree.root(second, nodes)
            proof = tree.consistency_proof(first, second, nodes)
            assert tree.verify_consistency(first, second, *heads, proof), (first, second)
            assert not tree.verify_consistency(first, second, hashlib.sha256(b"other").digest(), heads[1], proof)
            assert not tree.verify_consistency(first, second, heads[0], hashlib.sha256(b"other").digest(), proof)
            assert not tree.verify_consistency(first, second, *heads, [*proof, heads[0]])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_proof_for_a_leaf_that_is_not_there_is_refused(index: int, size: int, nodes: tree.Nodes) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        tree.inclusion_proof(index, size, nodes)
    assert not tree.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])
