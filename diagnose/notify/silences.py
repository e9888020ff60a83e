"""What people have silenced in their Alertmanagers: that is told nobody, by whatever channel.

Silences are read, never made. Where no peer answers, those that were read last hold until they end.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from collectors.alertmanager import Alertmanager, Silence
from collectors.endpoint import Endpoint
from diagnose.notify.notice import Notice, Route, labels
from diagnose.notify.outbox import Outbox

MARK: Final = "silences"
PATIENCE_SECONDS: Final = 5.0  # with one peer: whoever waits has something to tell
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
        self._peers = [
            replace(peer, timeout_seconds=min(peer.timeout_seconds, PATIENCE_SECONDS))
            for peer in peers
        ]
        self._outbox, self._clock = outbox, clock
        self._known = _kept(outbox)
        self._unheard: set[str] = set()

    def read(self) -> None:
        """Ask every peer; one that answers is enough, since peers tell each other."""
        found: dict[str, Silence] = {}
        answered = False
        for peer in self._peers:
            try:
                with peer.opened() as connection:
                    silences = Alertmanager(connection).silences()
            except (OSError, ValueError) as error:
                if peer.url not in self._unheard:
                    _log.warning("silences of %s are not known: %s", peer.url, error)
                self._unheard.add(peer.url)
                continue
            self._unheard.discard(peer.url)
            answered = True
            for silence in silences:  # one that was ended by hand may be known to one peer alone
                known = found.get(silence.id)
                if known is None or silence.ends < known.ends:
                    found[silence.id] = silence
        if answered:
            now = self._clock()
            silences = tuple(one for one in found.values() if one.ends > now)
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
