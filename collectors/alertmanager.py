"""What an Alertmanager knows: the alerts that fire, and what people have silenced.

Reads:     /api/v2/{alerts,silences}
Emits:     alerts and silences, no readings: a Prometheus has those
Platforms: any
See:       https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collectors.endpoint import Connection, Json
from collectors.prometheus import moment

Labels = Mapping[str, str]

_OFFSET: Final = 0xCBF29CE484222325  # of the hash FNV-1a with 64 bits
_PRIME: Final = 0x100000001B3


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fires.

    Attributes:
        labels: All of its labels.
        annotations: What its rule tells people.
        fingerprint: Alertmanager's own key for it.
        fired: When it began to fire.
        generator: Address of the rule's page, its sender's word: never to be asked.
        silenced_by: Keys of the silences that cover it at present.
    """

    labels: Labels
    annotations: Labels
    fingerprint: str
    fired: datetime
    generator: str
    silenced_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a silence on a label."""

    name: str
    value: str
    regex: bool
    equal: bool

    def holds(self, labels: Labels) -> bool:
        """Return whether ``labels`` fulfil it; a label that is not there is empty.

        Example:
            >>> Matcher("team", "db|web", regex=True, equal=True).holds({"team": "web"})
            True
        """
        text = labels.get(self.name, "")
        try:
            same = bool(re.fullmatch(self.value, text)) if self.regex else text == self.value
        except re.error:  # Go's expressions know a few things that Python's do not
            same = False
        return same == self.equal


@dataclass(frozen=True, slots=True)
class Silence:
    """What people do not want to hear of, and until when.

    Attributes:
        id: Alertmanager's own key for it.
        matchers: Conditions on an alert's labels, all of which must hold.
        starts: From when.
        ends: Until when; one that was ended by hand ended then.
        comment: Why.
        author: Who made it.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts: datetime
    ends: datetime
    comment: str
    author: str

    def covers(self, labels: Labels, at: datetime) -> bool:
        """Return whether an alert with ``labels`` is not to be told of at the moment ``at``."""
        return self.starts <= at < self.ends and all(m.holds(labels) for m in self.matchers)


class Alertmanager:
    """An Alertmanager that is asked.

    Args:
        connection: To its address.

    Each method raises OSError where it cannot be asked, ValueError where its answer is not what
    the API promises.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def alerts(self) -> tuple[Fired, ...]:
        """Return the alerts that fire, silenced ones included."""
        return tuple(_fired(one) for one in self._list("alerts"))

    def silences(self) -> tuple[Silence, ...]:
        """Return all silences that it remembers."""
        return tuple(_silence(one) for one in self._list("silences"))

    def _list(self, what: str) -> list[Json]:
        found = self.connection.get(f"api/v2/{what}")
        if not isinstance(found, list):
            raise ValueError(f"{self.connection.url}: {what} are no list")
        return found


def fingerprint(labels: Labels) -> str:
    """Return the key by which Prometheus and Alertmanager know an alert.

    Example:
        >>> fingerprint({"alertname": "A"}) == fingerprint(dict(alertname="A"))
        True

    Reference: ``LabelSet.Fingerprint`` of github.com/prometheus/common.
    """
    total = _OFFSET
    for name in sorted(labels):
        for octet in f"{name}\0{labels[name]}\0".encode().replace(b"\0", b"\xff"):
            total = (total ^ octet) * _PRIME % 2**64
    return f"{total:016x}"


def _fired(one: Json) -> Fired:
    try:
        return Fired(
            dict(one["labels"]),
            dict(one.get("annotations") or {}),
            str(one["fingerprint"]),
            moment(one["startsAt"]),
            str(one.get("generatorURL") or ""),
            tuple(map(str, (one.get("status") or {}).get("silencedBy") or ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("Alertmanager's answer holds an alert that is none") from error


def _silence(one: Json) -> Silence:
    try:
        matchers = tuple(
            Matcher(m["name"], m["value"], bool(m["isRegex"]), bool(m.get("isEqual", True)))
            for m in one["matchers"]
        )
        return Silence(
            str(one["id"]),
            matchers,
            moment(one["startsAt"]),
            moment(one["endsAt"]),
            str(one.get("comment") or ""),
            str(one.get("createdBy") or ""),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("Alertmanager's answer holds a silence that is none") from error
