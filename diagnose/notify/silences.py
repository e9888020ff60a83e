"""What people have silenced in their Alertmanagers: that is told nobody, by whatever channel.

Silences are read, never made. Where no peer answers, those that were read last hold until they end.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from collectors.alertmanager import Alertmanager, Silence
from collectors.endpoint import Endpoint
from diagnose.notify.notice import Notice, Route, labels
from diagnose.notify.outbox import Outbox

MARK: Final = "silences"
_SILENCES: Final = TypeAdapter(tuple[Silence, ...])
_log = logging.getLogger("aitia.notify")


class Silences:
    """The silences of all peers, as last read.

    Args:
        peers: The Alertmanagers that are asked.
        outbox: Where they are kept for when no peer answers.
        clock: Returns the time, with its zone.
    """

    def __init__(
        self, peers: Sequence[Endpoint], outbox: Outbox, clock: Callable[[], datetime]
    ) -> None:
        self._peers, self._outbox, self._clock = peers, outbox, clock
        self._known = _kept(outbox)

    def read(self) -> None:
        """Ask every peer; one that answers is enough, since peers tell each other."""
        found: dict[str, Silence] = {}
        answered = False
        for peer in self._peers:
            try:
                with peer.opened() as connection:
                    silences = Alertmanager(connection).silences()
            except (OSError, ValueError) as error:
                _log.warning("silences of %s are not known: %s", peer.url, error)
                continue
            answered = True
            now = self._clock()
            for silence in silences:
                known = found.get(silence.id)
                if silence.ends > now and (known is None or silence.ends < known.ends):
                    found[silence.id] = silence
        if answered:
            silences = tuple(found.values())
            if silences != self._known:
                document = _SILENCES.dump_json(silences, ensure_ascii=True).decode()
                self._outbox.remember(MARK, document, self._clock())
            self._known = silences

    def mutes(self, notice: Notice, route: Route) -> bool:
        """Return whether people do not want to hear of ``notice`` at present."""
        now, own = self._clock(), labels(notice, route)
        return any(silence.covers(own, now) for silence in self._known)


def _kept(outbox: Outbox) -> tuple[Silence, ...]:
    try:
        return _SILENCES.validate_json(outbox.mark(MARK) or "[]")
    except ValidationError:  # of another version: they are read again at once
        return ()
