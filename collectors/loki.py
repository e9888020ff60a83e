"""Log lines that a Loki keeps, queried where they are.

Reads:     /loki/api/v1/{query_range,series}
Emits:     logs: whose, ``collectors.prometheus_labels`` says of a stream's labels
Platforms: any
See:       https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from collectors.endpoint import Connection, Json
from collectors.prometheus_labels import entity_of
from diagnose.schema import LOGS

PAGE: Final = 5000  # lines of one answer; Loki refuses more by default
LATEST: Final = 10**20  # nanoseconds since the epoch; beyond lies nonsense
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LEVELS: Final = ("detected_level", "level", "severity", "severity_text", "lvl")
SEVERITY: Final = {
    **dict.fromkeys(("trace", "debug"), "DEBUG"),
    **dict.fromkeys(("info", "information", "notice", "unknown", ""), "INFO"),
    **dict.fromkeys(("warn", "warning"), "WARN"),
    **dict.fromkeys(("error", "err"), "ERROR"),
    **dict.fromkeys(("critical", "crit", "fatal", "panic", "alert", "emerg"), "FATAL"),
}

Labels = Mapping[str, str]
Line = tuple[int, Labels, str]  # nanoseconds since the epoch, labels of its stream, text


class Loki:
    """A Loki that is asked.

    Args:
        connection: To its address.

    Each method raises OSError where it cannot be asked, ValueError where its answer is not what
    the API promises.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def streams(self, start: datetime, end: datetime) -> list[Labels]:
        """Return the labels of every stream that has lines in a span."""
        parameters = {"start": _nanoseconds(start), "end": _nanoseconds(end)}
        found = _content(self.connection.get("loki/api/v1/series", parameters))
        if not isinstance(found, list):
            raise ValueError(f"{self.connection.url}: streams are no list")
        return [_labels(one) for one in found]

    def records(
        self, selector: str, start: datetime, end: datetime, most: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the lines that ``selector`` chooses, oldest first, as frames of schema LOGS.

        Args:
            selector: LogQL of the streams, for example ``{job="shop"}``.
            start: First moment.
            end: Lines at this moment and later are left out.
            most: Lines to read; the latest of more are left out.

        A page may end amid the lines of one moment, so the next one starts with that moment, and
        the lines of it that were read are told from the others by counting them.
        """
        begin, last, seen = _nanoseconds(start), -1, Counter[str]()
        while most > 0:
            limit = min(PAGE, most + seen.total())
            page = self._page(selector, begin, end, limit)
            fresh = list(_unseen(page, last, seen))[:most]
            if fresh:
                yield pl.DataFrame([_record(*line) for line in fresh], LOGS, orient="row")
            elif len(page) < limit:
                return
            most -= len(fresh)
            newest = page[-1][0]
            # Of a moment with more lines than a page can hold, Loki gives no more.
            begin = str(newest if fresh else newest + 1)
            seen = seen if newest == last else Counter()
            seen.update(_key(line) for line in fresh if line[0] == newest)
            last = newest

    def _page(self, selector: str, begin: str, end: datetime, limit: int) -> list[Line]:
        """Return the first lines of a span, oldest first."""
        parameters = {
            "query": selector,
            "start": begin,
            "end": _nanoseconds(end),
            "limit": str(limit),
            "direction": "forward",
        }
        data = _content(self.connection.get("loki/api/v1/query_range", parameters))
        found = data.get("result") if isinstance(data, dict) else None
        if not isinstance(found, list) or data.get("resultType") != "streams":
            raise ValueError(f"{self.connection.url}: the answer holds no lines")
        lines = [line for stream in found for line in _lines(stream)]
        return sorted(lines, key=lambda line: line[0])


def _unseen(page: Sequence[Line], last: int, seen: Counter[str]) -> Iterator[Line]:
    """Yield the lines of a page without those at moment ``last`` that were read before."""
    left = seen.copy()
    for line in page:
        key = _key(line)
        if line[0] == last and left[key]:
            left[key] -= 1
        else:
            yield line


def _key(line: Line) -> str:
    return json.dumps(line[1:], sort_keys=True)


def _record(moment: int, labels: Labels, text: str) -> tuple[datetime, str, str, str, str]:
    """Return a line as a row of LOGS; a line without a level counts as INFO."""
    level = next((labels[name] for name in LEVELS if labels.get(name)), "")
    time = EPOCH + timedelta(microseconds=moment // 1000)
    return time, entity_of(labels), SEVERITY.get(level.lower(), "INFO"), text, json.dumps(labels)


def _content(answer: Json) -> Json:
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise ValueError("the answer is not that of a Loki")
    return answer.get("data")


def _lines(stream: Json) -> Iterator[Line]:
    try:
        labels = _labels(stream["stream"])
        for moment, text, *more in stream["values"]:
            structured = more[0] if more and isinstance(more[0], dict) else {}
            extra = {name: str(value) for name, value in structured.items()}
            if not 0 <= int(moment) < LATEST:
                raise ValueError(f"{moment} is no time")
            yield int(moment), {**labels, **extra}, str(text)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("Loki's answer holds a line that is none") from error


def _labels(value: Json) -> Labels:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("Loki's answer has labels that are none")
    return value


def _nanoseconds(time: datetime) -> str:
    return str((time - EPOCH) // timedelta(microseconds=1) * 1000)
