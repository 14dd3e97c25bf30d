"""Whoever changes a byte of a package is found out, whether he can build zip files, hash, or sign with another key."""

import ast
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stronghouse.audit import checkpoint, tree
from stronghouse.compliance import verifier
from stronghouse.compliance.verifier import Head, Refused
from tests.unit.compliance.conftest import Audited, Built, checked, packed, unpacked

Files = dict[str, bytes]


def refused(content: bytes, key: str | None) -> str:
    with pytest.raises(Refused) as caught:
        checked(content, key)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_package_verifies_and_says_what_was_proven(built: Built) -> None:
    found = checked(built.content, built.key)
    files = built.files()
    assert found.evidence == sum(name.startswith("evidence/") for name in files) > 0
    assert found.results > 0
    assert found.state_changes > 0
    assert found.key_given
    assert found.files == len(files)
    assert not checked(built.content, None).key_given


def test_any_zip_program_can_open_it(built: Built, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(built.content)
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == built.files()


@pytest.mark.slow  # thousands of verifications, each of the whole package
def test_every_changed_byte_is_found(built: Built) -> None:
    """Positions over the whole container, and in each file the first, the last and some between."""
    chosen = random.Random(7)
    size = len(built.content)
    positions = set(range(0, size, size // 400)) | set(range(size - 300, size)) | set(range(200))
    for entry in verifier.read_container(io.BytesIO(built.content)).values():
        inside = range(entry.offset, entry.offset + entry.size)
        positions |= {*range(entry.offset - 30 - len(entry.name), entry.offset), *list(inside)[:1], *list(inside)[-1:]}
        positions |= set(inside) if entry.size <= 2500 else set(chosen.sample(inside, 5))
    for position in sorted(positions):
        changed = bytearray(built.content)
        changed[position] ^= chosen.randint(1, 255)
        refused(bytes(changed), built.key)


@pytest.mark.slow  # hundreds of verifications, each of the whole package
def test_every_file_is_protected_beyond_the_checksums_of_the_container(built: Built) -> None:
    """The zip file is built anew around the change, so that only hashes and proofs can find it."""
    chosen = random.Random(11)
    files = built.files()
    for name, content in files.items():
        inside = range(len(content))
        whole = name in {"manifest.proof", "records/checkpoint.txt"}
        positions = {0, len(content) - 1, *chosen.sample(inside, min(8, len(content)))} | (
            set(inside) if whole else set()
        )
        for position in sorted(positions):
            changed = bytearray(content)
            changed[position] ^= 1 << chosen.randrange(8)
            refused(packed({**files, name: bytes(changed)}), built.key)


def test_checksum_that_is_wrong_in_both_of_its_places_is_found(built: Built) -> None:
    entry = verifier.read_container(io.BytesIO(built.content))["manifest.proof"]
    right, wrong = entry.crc.to_bytes(4, "little"), (entry.crc ^ 1).to_bytes(4, "little")
    assert built.content.count(right) == 2
    assert "checksum differs" in refused(built.content.replace(right, wrong), built.key)


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 1000, 100_000])
def test_cut_or_longer_file_is_refused(built: Built, cut: int) -> None:
    refused(built.content[:cut], built.key)
    refused(built.content[: len(built.content) - cut - 1], built.key)
    refused(built.content + b"\0" * (cut + 1), built.key)


def relisted(files: Files) -> Files:
    """The manifest of somebody who can hash."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = [
        {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in sorted(files.items())
        if not name.startswith("manifest.")
    ]
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def first_evidence(files: Files) -> str:
    return min(name for name in files if name.startswith("evidence/"))


def removed(files: Files) -> Files:
    return {name: content for name, content in files.items() if name != first_evidence(files)}


def added(files: Files) -> Files:
    return {**files, "evidence/" + "a" * 64 + ".json": b"{}"}


def swapped(files: Files) -> Files:
    one, two = sorted(name for name in files if name.startswith("evidence/"))[:2]
    return {**files, one: files[two], two: files[one]}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (removed, "is missing"),
        (added, "not in the manifest"),
        (swapped, "hash differs"),
        (lambda files: relisted(removed(files)), "another manifest"),
        (lambda files: relisted(added(files)), "another manifest"),
        (lambda files: relisted(swapped(files)), "another manifest"),
        (lambda files: {name: text for name, text in files.items() if name != "manifest.proof"}, "order"),
        (lambda files: {name: text for name, text in files.items() if name != "records/results.csv"}, "missing"),
    ],
)
def test_removed_added_and_swapped_files_are_found(built: Built, change: Callable[[Files], Files], word: str) -> None:
    assert word in refused(packed(change(built.files())), built.key)


def forged(
    files: Files, signer: checkpoint.Ed25519Signer, *, proven: Callable[[Files], Files] = lambda files: files
) -> Files:
    """Everything done again by somebody with a log of his own; `proven` changes files between proofs and manifest."""
    leaves = [json.loads(line) for line in files["records/evidence-proofs.ndjson"].splitlines()]
    leaves += [json.loads(line) for line in files["records/state-changes.ndjson"].splitlines()]
    files = dict(files)
    nodes: dict[tuple[int, int], bytes] = {}

    known: dict[str, int] = {}

    def append(data: str) -> int:
        if data in known:
            return known[data]
        index = sum(level == 0 for level, _ in nodes)
        for level, at, value in tree.append(index, tree.leaf_hash(data.encode()), lambda *key: nodes[key]):
            nodes[level, at] = value
        known[data] = index
        return index

    def note(size: int) -> str:
        root = tree.root(size, lambda *key: nodes[key])
        return checkpoint.sign(checkpoint.Checkpoint(signer.origin, size, root), signer)

    for line in leaves:
        line["index"] = append(line["leaf"])
    size = len(known)
    for line in leaves:
        path = tree.inclusion_proof(line["index"], size, lambda *key: nodes[key])
        line["proof"] = [verifier.encoded(node) for node in path]
    for name, wanted in (("evidence-proofs", True), ("state-changes", False)):
        mine = [line for line in leaves if ("evidence" in line) is wanted]
        files[f"records/{name}.ndjson"] = "".join(json.dumps(line) + "\n" for line in mine).encode()
    files["records/checkpoint.txt"] = note(size).encode()
    manifest = json.loads(files["manifest.json"])
    manifest["log_key"] = checkpoint.verifier_key(signer.origin, signer.public_key)
    files = relisted(proven({**files, "manifest.json": json.dumps(manifest).encode()}))
    data = {"package": manifest["package"], "manifest": hashlib.sha256(files["manifest.json"]).hexdigest()}
    event = {"code": "package.create", "organization_id": manifest["organization"]["id"], "data": data}
    leaf = json.dumps(event)
    index = append(leaf)
    path = tree.inclusion_proof(index, index + 1, lambda *key: nodes[key])
    grown = tree.consistency_proof(size, index + 1, lambda *key: nodes[key])
    files["manifest.proof"] = verifier.proof_text(leaf.encode(), index, path, grown, note(index + 1)).encode()
    return files


def test_package_of_another_log_verifies_only_for_who_trusts_its_key(built: Built) -> None:
    forger = checkpoint.Ed25519Signer("test.log", bytes(range(1, 33)))
    content = packed(forged(built.files(), forger))
    assert not checked(content, None).key_given
    assert "another key" in refused(content, built.key)
    other = checkpoint.Ed25519Signer("other.log", bytes(range(1, 33)))
    assert "not one of the log" in refused(packed(forged(built.files(), other)), built.key)
    assert "verifier key" in refused(built.content, "test.log+00000000+AAAA")


def results_with(row: str) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        return {**files, "records/results.csv": files["records/results.csv"] + row.encode()}

    return change


def replaced(name: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        assert old in files[name]
        return {**files, name: files[name].replace(old, new)}

    return change


def twice(name: str) -> Callable[[Files], Files]:
    return lambda files: {**files, name: files[name] + files[name].splitlines(keepends=True)[-1]}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (results_with(f"a,1,control,r,pass,It holds.,{'0' * 64},2026-11-23T12:00:00.000Z\n"), "cites evidence"),
        (results_with("a,b\n"), "cites evidence"),
        (replaced("records/results.csv", b"check,", b"chick,"), "columns"),
        (removed, "not evidence in this package"),
        (added, "no proof"),
        (swapped, "hash that is its name"),
        (twice("records/evidence-proofs.ndjson"), "not evidence in this package"),
        (twice("records/state-changes.ndjson"), "twice"),
        (replaced("manifest.json", b'"to":"2026-11-24', b'"to":"2026-11-23'), "outside the period"),
        (replaced("manifest.json", b'"from":"2026', b'"from":"2027'), "period is malformed"),
        (replaced("records/evidence-proofs.ndjson", b"evidence.record", b"evidence.regard"), "not evidence"),
    ],
)
def test_who_holds_the_key_still_cannot_contradict_the_evidence(
    built: Built, change: Callable[[Files], Files], word: str
) -> None:
    """The operator signs what he likes; the parts of the package have to agree with each other all the same."""
    signer = checkpoint.Ed25519Signer("test.log", bytes(range(32)))
    assert checked(packed(forged(built.files(), signer)), built.key).key_given
    assert word in refused(packed(forged(change(built.files()), signer)), built.key)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (replaced("records/evidence-proofs.ndjson", b"Evidence by", b"Evidence my"), "not in the signed log"),
        (replaced("records/evidence-proofs.ndjson", b'"index": 0', b'"index": 1'), "not in the signed log"),
        (replaced("records/evidence-proofs.ndjson", b'"index": 0', b'"index": true'), "malformed"),
        (replaced("records/state-changes.ndjson", b"check.state_change", b"check.state_chance"), "not in the signed"),
        (replaced("records/checkpoint.txt", b"test.log\n", b"test.lag\n"), "not one of the log"),
        (twice("records/state-changes.ndjson"), "twice"),
        (removed, "not evidence in this package"),
        (swapped, "hash that is its name"),
    ],
)
def test_who_holds_the_key_cannot_change_what_he_recorded(
    built: Built, change: Callable[[Files], Files], word: str
) -> None:
    signer = checkpoint.Ed25519Signer("test.log", bytes(range(32)))
    assert word in refused(packed(forged(built.files(), signer, proven=change)), built.key)


def test_event_of_another_organization_is_refused(built: Built) -> None:
    signer = checkpoint.Ed25519Signer("test.log", bytes(range(32)))
    foreign = replaced(
        "records/evidence-proofs.ndjson", b'\\"organization_id\\":null', b'\\"organization_id\\":\\"x\\"'
    )
    assert "another organization" in refused(packed(forged(foreign(built.files()), signer)), built.key)


def test_older_head_and_other_proofs_are_refused(audited: Audited) -> None:
    audited.look(1)
    first = audited.content(audited.make())
    audited.look(1)
    second = audited.content(audited.make())
    old, new = unpacked(first), unpacked(second)
    checked(first, audited.key)
    for name in ("manifest.proof", "records/checkpoint.txt"):
        refused(packed({**new, name: old[name]}), audited.key)
        refused(packed({**old, name: new[name]}), audited.key)
    proof = verifier.parse_proof(new["manifest.proof"].decode())
    older = verifier.proof_text(
        proof.leaf, proof.index, proof.path, proof.consistency, old["records/checkpoint.txt"].decode()
    )
    assert "not in the signed log" in refused(packed({**new, "manifest.proof": older.encode()}), audited.key)


def test_proofs_agree_with_those_of_the_log_for_every_size() -> None:
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    for size in range(1, 40):
        for level, index, value in tree.append(size - 1, tree.leaf_hash(bytes([size])), node):
            nodes[level, index] = value
        head = Head(size, tree.root(size, node))
        for index in range(size):
            path = tree.inclusion_proof(index, size, node)
            assert verifier.included(bytes([index + 1]), index, head, path)
            assert not verifier.included(bytes([index + 2]), index, head, path)
            assert not verifier.included(bytes([index + 1]), index, head, [*path, b"\0" * 32])
        for old in range(1, size):
            path = tree.consistency_proof(old, size, node)
            assert verifier.grown(Head(old, tree.root(old, node)), head, path)
            assert not verifier.grown(Head(old, b"\0" * 32), head, path)


@pytest.mark.slow  # 65,538 files
def test_more_files_than_a_plain_directory_counts() -> None:
    count = verifier.MAX_COUNT + 3
    files = {f"evidence/{index:064x}.json": b"" for index in range(count)}
    content = packed({**files, "manifest.json": b"{}", "manifest.proof": b""})
    assert unpacked(content).keys() == files.keys() | {"manifest.json", "manifest.proof"}
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert len(opened.namelist()) == count + 2


def test_verifier_needs_the_standard_library_and_one_primitive() -> None:
    parsed = ast.parse(Path(verifier.__file__).read_text())
    modules = {
        name
        for node in ast.walk(parsed)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = {name for name in modules if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"cryptography.exceptions", "cryptography.hazmat.primitives.asymmetric.ed25519"}
    assert not modules & {"socket", "ssl", "urllib", "urllib.request", "http", "http.client", "subprocess"}


GUARD = """
import runpy, sys
def refuse(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.exec", "os.fork"):
        raise RuntimeError(event)
    if event == "import" and arguments[0].split(".")[0] == "stronghouse":
        raise RuntimeError("stronghouse")
sys.addaudithook(refuse)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_verifier_out_of_the_package_runs_alone(built: Built, tmp_path: Path) -> None:
    """Isolated, without network and without Stronghouse: an audit hook refuses both."""
    (tmp_path / "verify.py").write_bytes(built.files()["verify.py"])
    (tmp_path / "package.zip").write_bytes(built.content)
    changed = bytearray(built.content)
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(bytes(changed))

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-I", "-c", GUARD, "verify.py", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": os.defpath}
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = run("package.zip", "--key", built.key)
    assert (code, err) == (0, "")
    assert out.startswith("Verified: ")
    code, out, err = run("changed.zip", "--key", built.key)
    assert (code, out) == (1, "")
    assert err.startswith("Not verified: ")
    assert err.count("\n") == 1
    assert run("package.zip", "--key", "nonsense")[0] == 1
    assert run("nowhere.zip", "--key", built.key)[0] == 1
    code, _, err = run("package.zip")
    assert code == 2
    assert "proves only" in err
    code, out, _ = run("package.zip", "--trust-package-key")
    assert code == 0
    assert "not whose log" in out
