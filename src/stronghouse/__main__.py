"""`python -m stronghouse` is the same as the command `stronghouse`."""

import sys

from stronghouse.cli.main import main

sys.exit(main())
