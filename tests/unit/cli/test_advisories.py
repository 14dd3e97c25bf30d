from pathlib import Path

import pytest

from tests.api.test_advisories import inventory
from tests.support.advisories import KEY_ID, VERIFIER_KEY, entry, lines, manifest
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli

FEED = lines(entry("A-1"))


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "feed.json"
    path.write_bytes(FEED)
    return path


def test_unsigned_feed_must_be_said_to_be_one(cli: Cli, feed: Path) -> None:
    refused = cli("advisories", "import", str(feed))
    assert (refused.code, "--unsigned" in refused.err) == (1, True)
    taken = cli("advisories", "import", str(feed), "--unsigned")
    assert taken.code == 0, taken.err
    assert "someone's word" in taken.out
    assert not taken.err.startswith("\n")
    assert cli("advisories", "status", "--json").json["feed"]["entries"] == {"PyPI": 1}


def test_signed_feed_is_imported_once_its_key_is_trusted(cli: Cli, feed: Path, tmp_path: Path) -> None:
    note = tmp_path / "manifest"
    note.write_text(manifest(FEED))
    untrusted = cli("advisories", "import", str(feed), "--manifest", str(note))
    assert (untrusted.code, "advisories trust" in untrusted.err) == (1, True)
    assert cli("advisories", "trust", VERIFIER_KEY).code == 0
    imported = cli("advisories", "import", str(feed), "--manifest", str(note), "--json").json
    assert (imported["signedBy"], imported["source"]) == (KEY_ID, "Example feeds")
    assert KEY_ID in cli("advisories", "status").out
    assert cli("advisories", "trust", KEY_ID, "--remove", "--json").json == {"removed": KEY_ID}
    assert "trusted no longer" in cli("advisories", "status").out
    assert cli("advisories", "trust", "../keys", "--remove").code == 1


def test_file_that_is_not_there_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    for arguments in (("--unsigned",), ("--manifest", missing)):
        result = cli("advisories", "import", missing, *arguments)
        assert (result.code, result.err.count("\n")) == (1, 1)


def test_components_are_listed_beyond_one_page(cli: Cli, plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    from stronghouse.cli import advisories

    assert "No inventory" in cli("components").err
    inventory(plane, "control", ["a", "b", "c", "d", "e"])
    monkeypatch.setattr(advisories, "PAGE", 2)
    assert [one["name"] for one in cli("components", "--json").json] == ["a", "b", "c", "d", "e"]
    assert "A-1" in cli("components").out
