"""A shard -> findings: the cheap look that every host gets.

Bounds first (``models.screen``): only a host that may be in trouble is shown to the detector. What
predictors look at are a few signals of each host, so one window holds those of all hosts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collectors.prometheus_labels import host_of
from diagnose.scan.foresight import foreseen, telling
from diagnose.scan.panel import Panel
from diagnose.scan.shards import Expected, Finding, Screened, Shard
from diagnose.scan.source import Source
from diagnose.schema import Prediction
from models.detector import RobustDetector
from models.deviation import countable
from models.screen import bounds

HISTORY: Final = timedelta(hours=1)
RECENT: Final = timedelta(minutes=7)  # judged by what comes before
SILENT: Final = 4  # instants at the end without a reading, from which an entity may be silent


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked of every shard of a scan.

    Attributes:
        source: Who is asked what hosts showed.
        moment: Of the scan; nothing later is read.
        alpha: Chance that a calm host is called anomalous.
        least_probability: Below which a prediction is not told.
    """

    source: Source
    moment: datetime
    alpha: float
    least_probability: float


def screen(look: Look, shard: Shard) -> Screened:
    """Return what there is to tell of the hosts of ``shard``.

    Raises:
        Failure: its source cannot be read.
    """
    panel = look.source.panel(shard, (look.moment - HISTORY, look.moment), RECENT)
    if panel is None:
        return Screened(shard.number, (), shard.hosts)
    found = {one.host: one for one in _in_trouble(panel, look)}
    for one in _foreseen(panel, look):
        host = host_of(one.entity)
        finding = found.get(host, Finding(host, look.moment))
        found[host] = replace(finding, expected=(*finding.expected, Expected(one)))
    unseen = tuple(host for host in shard.hosts if host not in set(panel.hosts))
    return Screened(shard.number, tuple(found[host] for host in sorted(found)), unseen, panel.cut)


def _in_trouble(panel: Panel, look: Look) -> Iterator[Finding]:
    """Yield the hosts that the detector calls anomalous."""
    bar = -log10(look.alpha)
    most = bounds(panel.past, panel.now, panel.first, countable(panel.signals), panel.step_seconds)
    detector = RobustDetector(look.alpha)
    for place in np.flatnonzero(most >= bar):
        window = panel.window(panel.columns_of(int(place)), look.moment)
        surprise = detector.score(window)
        if surprise >= bar:
            first = detector.detect(window)[0]
            yield Finding(
                panel.hosts[place],
                look.moment,
                surprise=surprise,
                symptom=first.node,
                since=first.onset,
            )


def _foreseen(panel: Panel, look: Look) -> Iterator[Prediction]:
    """Yield what fails next, most probable first."""
    levels = telling(panel.signals, panel.values)
    window = panel.window(levels.tolist(), look.moment)
    silent = panel.window(np.flatnonzero(_gone(panel)).tolist(), look.moment)
    for one in foreseen(window, silent):
        if one.probability >= look.least_probability:
            yield one


def _gone(panel: Panel) -> NDArray[np.bool_]:
    """Return the columns of the entities of which nothing was read at the end."""
    seen = (~np.isnan(panel.values[-SILENT:])).any(axis=0)
    entities = [signal.node.entity for signal in panel.signals]
    begins = np.flatnonzero([a != b for a, b in zip(entities, [None, *entities], strict=False)])
    alive = np.logical_or.reduceat(seen, begins)
    gone: NDArray[np.bool_] = ~np.repeat(alive, np.diff([*begins, len(entities)]))
    return gone
