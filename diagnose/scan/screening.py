"""A shard -> findings: the cheap look that every host gets.

Bounds first (``models.screen``): only a host that may be in trouble is shown to the detector. What
predictors look at are a few signals of each host, so one window holds those of all hosts. Where the
normal lives of hosts were learned, these are asked as well: the detector says what has begun, they
say what lasts. A host that both look at is allowed each half of the chance.
"""

import logging
import traceback
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collectors.prometheus_labels import host_of
from diagnose.scan.foresight import foreseen, telling
from diagnose.scan.life import Life
from diagnose.scan.panel import Panel
from diagnose.scan.shards import Expected, Finding, Screened, Shard
from diagnose.scan.source import Source
from diagnose.scan.unheard import INSTANTS, from_now, silenced, stopped
from diagnose.schema import Failure, Prediction
from diagnose.wording import printable
from models.detector import RobustDetector
from models.deviation import countable
from models.oddity import Judged
from models.predictor import joined
from models.screen import bounds

HISTORY: Final = timedelta(hours=1)
RECENT: Final = timedelta(minutes=7)  # judged by what comes before
LOG: Final = logging.getLogger(__name__)
HALVED: Final = log10(2)  # what a surprise loses that is the larger of two


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked of every shard of a scan.

    Attributes:
        source: Who is asked what hosts showed.
        moment: Of the scan.
        until: When the newest reading was taken; nothing later is read.
        alpha: Chance that a calm host is called anomalous.
        least_probability: Below which a prediction is not told.
        life: The normal lives of hosts; None where they were not learned.
    """

    source: Source
    moment: datetime
    until: datetime
    alpha: float
    least_probability: float
    life: Life | None = None


def screen(look: Look, shard: Shard) -> Screened:
    """Return what there is to tell of the hosts of ``shard``.

    A host whose telemetry meets a defect of ours is told as such. Which one that is, halving shows:
    the others are looked at as if it were not there.

    Raises:
        Failure: its source cannot be read.
    """
    try:
        return _screened(look, shard)
    except Failure:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other hosts are to be looked at
        if len(shard.hosts) == 1:
            return Screened(shard.number, (_failed(look, shard, error),), failed=shard.hosts)
    one, other = (screen(look, half) for half in shard.halves())
    return Screened(
        shard.number,
        one.findings + other.findings,
        one.unseen + other.unseen,
        one.cut + other.cut,
        one.changed + other.changed,
        one.stopped and other.stopped,
        one.failed + other.failed,
    )


def _failed(look: Look, shard: Shard, error: Exception) -> Finding:
    """Return what to tell of the only host of ``shard``, which ``error`` keeps from being seen."""
    LOG.debug("%s was not looked at", shard.hosts[0], exc_info=error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    defect = printable(said)
    missing = (f"It was not looked at, by a defect of Aitia: {defect}.",)
    return Finding(shard.hosts[0], look.until, missing=missing, defect=defect)


def _screened(look: Look, shard: Shard) -> Screened:
    """Return what there is to tell of the hosts of ``shard``; see ``screen``."""
    panel = look.source.panel(shard, (look.until - HISTORY, look.until), RECENT)
    if panel is None:
        return Screened(shard.number, (), shard.hosts, stopped=look.moment > look.until)
    judged = look.life.judged(panel) if look.life else Judged()
    found = {one.host: one for one in _in_trouble(panel, look, judged)}
    odd = _odd(panel, look, judged, found)
    for one in odd:
        surprise = judged.surprise[one.entity] - HALVED
        symptom = one.evidence[0]
        found[one.entity] = Finding(one.entity, look.until, (), surprise, symptom, one.since)
    for one in _each_once(_expected(panel, look), odd, look.least_probability):
        host = host_of(one.entity)
        finding = found.get(host, Finding(host, look.until))
        told = Expected(from_now(one, look.moment))
        found[host] = replace(finding, expected=(*finding.expected, told))
    unseen = tuple(host for host in shard.hosts if host not in set(panel.hosts))
    findings = tuple(found[host] for host in sorted(found))
    gone = stopped(panel, look.moment)
    return Screened(shard.number, findings, unseen, panel.cut, judged.others, gone)


def _in_trouble(panel: Panel, look: Look, judged: Judged) -> Iterator[Finding]:
    """Yield the hosts that the detector calls anomalous."""
    bar = -log10(look.alpha)
    most = bounds(panel.past, panel.now, panel.first, countable(panel.signals), panel.step_seconds)
    halved = [HALVED if host in judged.surprise else 0.0 for host in panel.hosts]
    detector = RobustDetector(look.alpha)
    for place in np.flatnonzero(most - halved >= bar):
        host = panel.hosts[place]
        window = panel.window(panel.columns_of(int(place)), look.until)
        score = detector.score(window)
        if score - halved[place] >= bar:
            first = detector.detect(window)[0]
            surprise = max(score, judged.surprise.get(host, 0.0)) - halved[place]
            yield Finding(
                host, look.until, surprise=surprise, symptom=first.node, since=first.onset
            )


def _odd(
    panel: Panel, look: Look, judged: Judged, found: Collection[str]
) -> tuple[Prediction, ...]:
    """Return what is announced of the hosts that are off their normal life and not found yet."""
    bar = HALVED - log10(look.alpha)
    places = [
        place
        for place, host in enumerate(panel.hosts)
        if host not in found and judged.surprise.get(host, 0.0) >= bar
    ]
    if not look.life or not places:
        return ()
    columns = [column for place in places for column in panel.columns_of(place)]
    return look.life.predictor(look.alpha / 2).predict(panel.window(columns, look.until))


def _each_once(
    foreseen: Iterable[Prediction], odd: Iterable[Prediction], least: float
) -> tuple[Prediction, ...]:
    """Return all that is expected: an odd host whose worst signal is told already adds nothing."""
    known = tuple(foreseen)
    told = {node for one in known for node in one.evidence}
    fresh = [one for one in odd if one.evidence[0] not in told and one.probability >= least]
    return joined((*known, *fresh)) if fresh else known


def _expected(panel: Panel, look: Look) -> tuple[Prediction, ...]:
    """Return what fails next; every host is silent where everything has stopped to come."""
    known = tuple(_foreseen(panel, look))
    if not stopped(panel, look.moment):
        return known
    down = [one for one in silenced(panel, look.until) if one.probability >= look.least_probability]
    return joined((*known, *down))


def _foreseen(panel: Panel, look: Look) -> Iterator[Prediction]:
    """Yield what fails next, most probable first."""
    levels = telling(panel.signals, panel.values)
    window = panel.window(levels.tolist(), look.until)
    silent = panel.window(np.flatnonzero(_gone(panel)).tolist(), look.until)
    for one in foreseen(window, silent):
        if one.probability >= look.least_probability:
            yield one


def _gone(panel: Panel) -> NDArray[np.bool_]:
    """Return the columns of the entities of which nothing was read at the end."""
    seen = (~np.isnan(panel.values[-INSTANTS:])).any(axis=0)
    entities = [signal.node.entity for signal in panel.signals]
    begins = np.flatnonzero([a != b for a, b in zip(entities, [None, *entities], strict=False)])
    alive = np.logical_or.reduceat(seen, begins)
    gone: NDArray[np.bool_] = ~np.repeat(alive, np.diff([*begins, len(entities)]))
    return gone
