"""What real senders sent, as recorded, and the clock of the receiver at that time."""

from datetime import UTC, datetime
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures" / "push"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def recorded(name):
    """Return the body of a request."""
    return (FIXTURES / name).read_bytes()


def nanoseconds(moment=NOW):
    """Return ``moment`` as OTLP and Loki count it."""
    return int(moment.timestamp()) * 1_000_000_000
