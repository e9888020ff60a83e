"""The log of what runs for long: one line a record on stderr, in logfmt."""

import json
import logging
from typing import Final

from diagnose.cli.terminal import LONGEST
from diagnose.wording import printable

LINE: Final = "time=%(asctime)s level=%(levelname)s component=%(name)s msg=%(quoted)s"


class Logfmt(logging.Formatter):
    """One line a record, whatever a sender's text holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.quoted = json.dumps(printable(record.getMessage(), LONGEST))
        return super().format(record)


def log_to_stderr() -> None:
    """Show what is logged from now on."""
    shown = logging.StreamHandler()
    shown.setFormatter(Logfmt(LINE))
    logging.basicConfig(level=logging.INFO, handlers=[shown])
    for name in ("alembic", "httpx", "uvicorn"):  # they tell of every step
        logging.getLogger(name).setLevel(logging.WARNING)
