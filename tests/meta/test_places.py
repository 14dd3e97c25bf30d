"""The repository names no place that only its authors have: no package registry, no path of a developer's machine."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Written in pieces, so that this file does not name them either.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "deb." + "debian.org", "npmjs" + ".com")
PATHS = (
    "/wo" + "rk/main",
    "/wo" + "rk/shared",
    "/tmp/" + "lab",
    "/ro" + "ot/.pyenv",
    "/op" + "t/pypi",
    "/wo" + "rk/.library",
)


def files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_developers_machine() -> None:
    found = set()
    for path in files():
        text = path.read_bytes().decode(errors="replace")
        found |= {f"{path.relative_to(ROOT)}: {place}" for place in (*REGISTRIES, *PATHS) if place in text}
    assert not found
