"""`stronghouse` with room for more services than the port plan has, for the benchmark that needs fifty of them."""

import sys

from stronghouse.agent import settings
from stronghouse.app.supervisor_commands import OwnCommands
from stronghouse.app.supervisor_settings import UpSettings
from stronghouse.cli.main import main
from stronghouse.services import actions

SERVICES = 50


class _Commands(OwnCommands):
    """Starts the children from this module too."""

    def __init__(self, settings: UpSettings) -> None:
        super().__init__(settings)
        self._program = (sys.executable, "-m", "benchmarks._many_services")


if __name__ == "__main__":
    actions.SLOTS = settings.SLOTS = SERVICES  # type: ignore[attr-defined]
    from stronghouse.app import supervisor

    supervisor.OwnCommands = _Commands  # type: ignore[attr-defined]
    sys.exit(main())
