"""How much of what others send is taken: times, sizes, and how many series there may be."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import polars as pl

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

TOO_NEW: Final = "too_far_in_future"
TOO_OLD: Final = "too_old"
TOO_MANY: Final = "too_many_series"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken; whatever lies beyond is left out and counted by its reason.

    Attributes:
        unpacked_bytes: Of one request.
        samples: Of one request.
        records: Log records, spans or alerts of one request.
        series: That are active at once in one decoder.
        labels: Of one series, or attributes of one record.
        label_bytes: Of a label's name or value.
        line_characters: Of a log record's body; what is longer is cut.
        future: How far a sender's clock may be ahead.
        past: How late a record may come.
    """

    unpacked_bytes: int = 8 << 20
    samples: int = 250_000
    records: int = 20_000
    series: int = 500_000
    labels: int = 64
    label_bytes: int = 2048
    line_characters: int = 32_768
    future: timedelta = timedelta(minutes=10)
    past: timedelta = timedelta(days=30)


def in_time(
    frame: pl.DataFrame, now: datetime, limits: Limits
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the rows of ``frame`` whose time can be believed, and how many others there were.

    Args:
        frame: With a column ``time``.
        now: The receiver's clock.
        limits: How far times may be off.
    """
    time = frame["time"]
    new, old = time > now + limits.future, time < now - limits.past
    rejected = {TOO_NEW: int(new.sum()), TOO_OLD: int(old.sum())}
    if not any(rejected.values()):
        return frame, {}
    return frame.filter(~(new | old)), {why: n for why, n in rejected.items() if n}


class ActiveSeries(Generic[Key, Value]):
    """What is known of the series that are being sent, bounded in number.

    Those not seen for one to two periods are forgotten, in two generations: what is asked for moves
    to the young one, and at the end of a period the old one is dropped.

    Args:
        most: Series that are remembered at once.
        period: How long one is remembered at least.
    """

    def __init__(self, most: int, period: timedelta = timedelta(minutes=30)) -> None:
        self.most = most
        self.period = period
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        self._turned: datetime | None = None

    def __len__(self) -> int:
        """Return how many series are remembered."""
        return len(self._young) + len(self._old)

    def turn(self, now: datetime) -> None:
        """Forget what has not been asked for, if a period is over."""
        if self._turned is None or now - self._turned >= self.period:
            self._young, self._old = {}, self._young
            self._turned = now

    def get(self, key: Key) -> Value | None:
        """Return what is known of ``key``, None if nothing is."""
        value = self._young.get(key)
        if value is None and key in self._old:
            value = self._young[key] = self._old.pop(key)
        return value

    def add(self, key: Key, value: Value) -> bool:
        """Remember ``value``; return False where there are too many already."""
        if len(self) >= self.most:
            return False
        self._young[key] = value
        return True
