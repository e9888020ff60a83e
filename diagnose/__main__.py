"""``python -m diagnose`` is ``aitia``; who interrupts it while it loads sees no traceback."""

import os
from typing import Final

INTERRUPTED: Final = 130  # what shells say of a command that Ctrl-C has ended


def main() -> None:
    """Load the command line and run it."""
    try:
        from diagnose.cli import main as run

        run()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # at once: to end politely, more would have to be loaded


if __name__ == "__main__":
    main()
