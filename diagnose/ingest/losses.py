"""What of a request was not kept: told to its sender in a sentence, and to the site in its log.

A sender that is answered with 2xx forgets what it sent, and one that is answered with 400 sends it
never again. So what can be kept is kept first, and the answer is about the rest.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from collectors.limits import TOO_NEW, TOO_OLD, Limits
from collectors.push import Decoded
from diagnose.wording import counted, duration, printable

EVERY_SECONDS: Final = 300.0  # between two lines about one way in and one reason
LOG: Final = logging.getLogger(__name__)


class Losses:
    """Says in the log what was not kept, one line for each way in and reason every few minutes.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._untold: Counter[tuple[str, str]] = Counter()
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, source: str, reason: str, records: int, sender: str = "") -> None:
        """Say that ``records`` were not kept, unless that was said lately.

        Args:
            source: The way in.
            reason: Why, a name without spaces: both are few.
            records: How many.
            sender: Who sent the last of them; "" where that is not known.
        """
        key, now = (source, reason), self._clock()
        with self._lock:
            self._untold[key] += records
            if now - self._told.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
                return
            self._told[key] = now
            lost = self._untold.pop(key)
        of = f", the last of {printable(sender)}" if sender else ""
        LOG.warning("%s of %s not kept: %s%s", counted(lost, "record"), source, reason, of)


def told(protocol: str, decoded: Decoded, limits: Limits, hint: str = "") -> str:
    """Return a sentence about what was not kept; "" where nothing was lost.

    Args:
        protocol: What the sender is told that it speaks.
        decoded: What its request held.
        limits: By which it was taken.
        hint: What senders of this protocol get wrong about times.
    """
    if not decoded.lost:
        return ""
    kept, lost = sum(frame.height for frame in decoded.frames), sum(decoded.lost.values())
    ahead, behind = (duration(one / timedelta(seconds=1)) for one in (limits.future, limits.past))
    words = {
        TOO_NEW: f"timestamp too new: more than {ahead} ahead of this server's clock",
        TOO_OLD: f"timestamp too old: more than {behind} behind this server's clock",
    }
    why = "; ".join(
        f"{number} with {words.get(reason, reason.replace('_', ' '))}"
        for reason, number in sorted(decoded.lost.items())
    )
    others = "; the others are on the disk" if kept else ""
    clue = f" ({hint})" if hint and {TOO_NEW, TOO_OLD} & decoded.lost.keys() else ""
    of = counted(kept + lost, "record")
    return f"{protocol}: not kept of {of}: {why}{clue}{others}"
