"""What a soak saw, as a table, with what of it must not be."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench.markdown import table as markdown
from tests.diagnose.notify.alertmanagers import Notified, Peer
from tests.programs import wait_until

MOST_GROWTH_BYTES: Final = 16 << 20  # of a daemon that is left alone, first to last quarter
MOST_GROWTH_FILES: Final = 4
MEGA: Final = 1 << 20
SETTLING_SECONDS: Final = 90.0
TOLD: Final = "closed_at IS NULL AND route IN ('ticket', 'page')"


@dataclass(frozen=True)
class Sample:
    """What the daemon holds at a moment."""

    at: float
    process: int
    resident: int
    files: int
    threads: int


@dataclass
class Seen:
    """What was done and what came of it."""

    samples: list[Sample] = field(default_factory=list)
    kills: int = 0
    restarts: int = 0
    asked: int = 0
    answered: int = 0
    messages: list[tuple[str, str]] = field(default_factory=list)  # key and event of each


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    value: str
    fine: bool = True


def lines(seen: Seen, state: Path, peers: Sequence[Peer], notified: Notified) -> list[Line]:
    """Return what happened, and whether it may."""
    return [
        Line("daemon killed (SIGKILL)", str(seen.kills)),
        Line("Alertmanager restarted", str(seen.restarts)),
        _share("explanations answered", seen.answered, seen.asked),
        *_scans(state),
        *_messages(seen, state),
        *_alerts(state, peers, notified),
        *_growth(seen.samples),
    ]


def table(found: Sequence[Line]) -> str:
    """Return the lines as a table in Markdown."""
    rows = [(line.what, line.value, "" if line.fine else "NOT FINE") for line in found]
    return "\n".join(markdown(("what", "seen", ""), rows))


def settle(state: Path) -> None:
    """Wait until nothing is to be sent any more, but not for ever: what waits is in the table."""
    waiting = "SELECT id FROM deliveries WHERE status = 'waiting'"
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not _rows(state, waiting), SETTLING_SECONDS)


def _scans(state: Path) -> Iterator[Line]:
    moments = _rows(state, 'SELECT "group", moment FROM scans')
    begun, finished = _rows(state, "SELECT COUNT(*), COUNT(finished_at) FROM scans")[0]
    yield Line("scans finished, of those begun", f"{finished} of {begun}", begun - finished <= 1)
    yield Line("scans of one moment stored twice", *_none(len(moments) - len(set(moments))))
    twice = "SELECT entity FROM predictions GROUP BY entity, failure, made_at HAVING COUNT(*) > 1"
    yield Line("predictions stored", str(_rows(state, "SELECT COUNT(*) FROM predictions")[0][0]))
    yield Line("predictions stored twice", *_none(len(_rows(state, twice))))


def _messages(seen: Seen, state: Path) -> Iterator[Line]:
    told = "SELECT COUNT(*) FROM notices WHERE route IN ('ticket', 'page')"
    yield Line("notices told", str(_rows(state, told)[0][0]))
    unsent = "SELECT id FROM deliveries WHERE status IN ('waiting', 'refused')"
    yield Line("messages that were not sent", *_none(len(_rows(state, unsent))))
    sent = "SELECT id FROM deliveries WHERE status = 'sent' AND channel = 'webhook'"
    keys = Counter(key for key, _ in seen.messages)
    lost = {f"aitia-{row[0]}" for row in _rows(state, sent)} - keys.keys()
    yield Line("messages that the webhook got", str(len(keys)))
    yield Line("messages noted as sent that it never got", *_none(len(lost)))
    repeated = sum(keys.values()) - len(keys)
    # One message at most is under way when a process dies; it is sent again under its key.
    yield Line("messages sent again under their key", str(repeated), repeated <= seen.kills)


def _alerts(state: Path, peers: Sequence[Peer], notified: Notified) -> Iterator[Line]:
    standing = _rows(state, f"SELECT COUNT(*) FROM notices WHERE {TOLD}")[0][0]
    for place, peer in enumerate(peers, start=1):
        known = peer.active()
        yield Line(
            f"alerts that Alertmanager {place} knows, of those that stand",
            f"{known} of {standing}",
            known == standing,
        )
    opened = _rows(state, "SELECT COUNT(*) FROM notices WHERE route IN ('ticket', 'page')")[0][0]
    firing = notified.count("firing")
    # What a notice opens, people are notified of once by a peer. That both do is Alertmanager's: it
    # delivers at least once, and a peer that was just restarted has not heard of the other yet.
    of_one = notified.by_one_peer("firing")
    value = f"{firing} for {opened}, {of_one} of them by one peer"
    yield Line("notifications of Alertmanager, firing", value, of_one <= opened)
    yield Line("notifications of Alertmanager, resolved", str(notified.count("resolved")))


def _growth(samples: Sequence[Sample]) -> Iterator[Line]:
    """Yield how the daemon grew that lived last, from its first quarter to its last."""
    last = [one for one in samples if one.process == samples[-1].process]
    quarter = max(len(last) // 4, 1)
    first, end = last[:quarter], last[-quarter:]
    minutes = (last[-1].at - last[0].at) / 60

    def medians(name: str) -> tuple[float, float]:
        values = [[getattr(one, name) for one in part] for part in (first, end)]
        return median(values[0]), median(values[1])

    before, after = medians("resident")
    yield Line(
        f"resident memory within the last {minutes:.0f} min",
        f"{before / MEGA:.0f} to {after / MEGA:.0f} MiB",
        after - before <= MOST_GROWTH_BYTES,
    )
    for name, what in (("files", "open files"), ("threads", "threads")):
        before, after = medians(name)
        fine = after - before <= MOST_GROWTH_FILES
        yield Line(what, f"{before:.0f} to {after:.0f}", fine)


def _share(what: str, part: int, whole: int) -> Line:
    return Line(what, f"{part} of {whole}", part == whole)


def _none(number: int) -> tuple[str, bool]:
    return str(number), not number


def _rows(state: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(state, timeout=20)) as connection:
        return connection.execute(query).fetchall()
