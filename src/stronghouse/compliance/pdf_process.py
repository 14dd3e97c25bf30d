"""The process that sets a PDF: `python -I -m stronghouse.compliance.pdf_process DIRECTORY TARGET SECONDS`.

DIRECTORY holds `report.typ` and `data.json`, SECONDS is the time that the PDF names as its own, since 1970.
"""

import resource
import sys
from pathlib import Path

from stronghouse.kernel.processes import die_with_parent

MEMORY_BYTES = 2 * 1024**3  # measured: about 200 MB for a report of 1,500 lines
CPU_SECONDS = 120


def main(directory: Path, target: Path, at: int) -> None:
    """Set the PDF."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    import typst  # noqa: PLC0415 - after the limits

    nowhere = directory / "packages"  # typst would fetch packages otherwise; the template names none
    nowhere.mkdir()
    pdf = typst.compile(
        directory / "report.typ",
        root=directory,
        ignore_system_fonts=True,
        package_path=nowhere,
        package_cache_path=nowhere,
        timestamp=at,
        format="pdf",
    )
    target.write_bytes(pdf)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
