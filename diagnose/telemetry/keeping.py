"""What the two processes that keep telemetry agree on, and what one tells the other."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self

COMMIT_RECORDS: Final = 500_000  # that are moved, and so held in memory, at once
MOVE: Final = b"m"  # an order: move what the journal holds now,
END: Final = b"e"  # or do so for the last time

Stage = Literal["journal_commit", "flush", "upkeep"]
Event = Literal["settled", "ready", "began", "timed", "moved", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where and how telemetry is kept.

    Attributes:
        folder: Of the journal.
        root: Of the tables: a folder, or an address on object storage.
        flush_seconds: Time between two commits to the tables.
        retention: Age at which records are deleted.
        journal_bytes: Size of the journal beyond which nothing is acknowledged.
        upkeep_seconds: Time between two looks at what is to be compacted or deleted.
    """

    folder: Path
    root: str
    flush_seconds: float = 15.0
    retention: timedelta = timedelta(days=30)
    journal_bytes: int = 1 << 30
    upkeep_seconds: float = 60.0

    @property
    def journal(self) -> Path:
        """Return the file of the journal."""
        return self.folder / "journal.db"

    def as_json(self) -> str:
        """Return the same as text, for another process."""
        folder, retention = str(self.folder), self.retention.total_seconds()
        return json.dumps({**asdict(self), "folder": folder, "retention": retention})

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Return what ``as_json`` wrote."""
        given = json.loads(text)
        folder, retention = Path(given["folder"]), timedelta(seconds=given["retention"])
        return cls(**{**given, "folder": folder, "retention": retention})


@dataclass(frozen=True, slots=True)
class Report:
    """What the mover tells the writer, a line of JSON each.

    Attributes:
        event: "settled", something that a crash had left is put right; "ready"; it "began" to move
            records; a stage was "timed"; all is "moved"; it "failed" and will try again; or it
            "refused" to begin.
        text: What was put right, or what is wrong.
        way_out: What to do about that.
        stage: Which was timed.
        seconds: How long that took; or when records began to move, since 1970.
    """

    event: Event
    text: str = ""
    way_out: str = ""
    stage: Stage | None = None
    seconds: float = 0.0

    def as_line(self) -> bytes:
        """Return the same as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> Self:
        """Return what ``as_line`` wrote."""
        return cls(**json.loads(line))
