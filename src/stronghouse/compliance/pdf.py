"""The report as PDF, set by typst in a process of its own with limits.

The data go over as a JSON file that the template reads: no text of anybody becomes markup. The time in the PDF is
given, fonts come with typst, and nothing is fetched, so that equal input gives equal bytes.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from stronghouse.kernel import processes
from stronghouse.kernel.errors import Internal
from stronghouse.kernel.files import private_directory

SECONDS = 120.0
TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def render_pdf(data: Mapping[str, Any], target: Path, *, at: datetime, seconds: float = SECONDS) -> None:
    """Write the report to `target`; `at` is the time that the PDF names as its own.

    Raises:
        Internal: typst failed or took too long.
    """
    work = private_directory(target.with_name(f"{target.name}.work"))
    try:
        (work / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(TEMPLATE, work / "report.typ")
        command = [sys.executable, "-I", "-m", "stronghouse.compliance.pdf_process"]
        try:
            done = processes.run(
                [*command, str(work), str(target), str(int(at.timestamp()))],
                environment={"LANG": "C.UTF-8"},
                timeout=seconds,
            )
        except TimeoutError as error:
            raise Internal(f"The PDF was not ready within {seconds:.0f} seconds.", code="pdf_failed") from error
        if done.returncode or not target.is_file():
            raise Internal("The PDF could not be made.", code="pdf_failed", detail=done.stderr[-2000:])
    finally:
        shutil.rmtree(work, ignore_errors=True)
