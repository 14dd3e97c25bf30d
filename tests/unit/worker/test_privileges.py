from pathlib import Path

from stronghouse.worker.privileges import others_may_pass, others_may_read


def test_every_directory_on_the_way_counts(tmp_path: Path) -> None:
    file = tmp_path / "inner" / "file"
    file.parent.mkdir()
    file.write_text("x")
    closed = [folder for folder in tmp_path.parents if not folder.stat().st_mode & 0o001]
    assert others_may_pass(tmp_path) is (not closed and bool(tmp_path.stat().st_mode & 0o001))
    assert others_may_pass(Path("/usr/bin"))
    assert others_may_read(Path("/usr/bin"))
    file.parent.chmod(0o700)
    assert not others_may_pass(file.parent)
    file.chmod(0o644)
    assert not others_may_read(file)
