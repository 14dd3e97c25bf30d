"""JSON that a command is given as a file."""

import sys
from pathlib import Path

from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Invalid


def read_json(file: Path) -> Json:
    """What a file holds, or standard input for `-`; raises Invalid."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"The file {file} cannot be read.", code="file_unreadable") from None
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        raise Invalid(f"The file {file} is not JSON.", code="file_malformed") from None
