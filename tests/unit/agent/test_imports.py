"""What an agent must not load: it runs on each machine all the time."""

import sys
from pathlib import Path

from stronghouse.kernel.processes import run

SOURCE = Path(__file__).parents[3] / "src"
HEAVY = ("sqlalchemy", "alembic", "fastapi", "starlette", "jinja2", "chdb", "pyarrow", "pandas")


def test_agent_does_without_the_libraries_of_the_control_plane() -> None:
    """SQLAlchemy alone takes 10 MB of private memory (measured)."""
    program = f"import sys, stronghouse.agent.run\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = run([sys.executable, "-c", program], environment={"PYTHONPATH": str(SOURCE)}, timeout=20)
    assert (done.stdout, done.stderr) == ("[]\n", "")
