"""An incident that never was: explained once, so that the first who asks need not wait.

Libraries load parts of themselves when these are first used, and that takes seconds.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from diagnose.incident.bundle import Bundle
from diagnose.schema import READINGS, Node

INSTANTS: Final = 360
ILL: Final = 12  # instants at the end
STEP_SECONDS: Final = 10.0
BEGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
SYMPTOM: Final = Node("service", "latency_seconds")


def made_up() -> Bundle:
    """Return an incident of three signals, in which a host's load slows a service down."""
    rng = np.random.default_rng(0)
    ill = np.arange(INSTANTS) >= INSTANTS - ILL
    load = rng.normal(1, 0.1, INSTANTS) + 3 * ill
    series = {
        Node("host", "load_average"): load,
        Node("host", "requests_per_second"): rng.normal(50, 5, INSTANTS),
        SYMPTOM: 0.1 * load + rng.normal(0, 0.01, INSTANTS),
    }
    times = [BEGIN + i * timedelta(seconds=STEP_SECONDS) for i in range(INSTANTS)]
    frames = [
        pl.DataFrame(
            {"time": times, "entity": node.entity, "signal": node.signal, "value": values},
            READINGS,
        )
        for node, values in series.items()
    ]
    return Bundle(
        id="warm-up",
        source="",
        alert_time=times[-ILL],
        as_of=times[-1],
        step_seconds=STEP_SECONDS,
        readings=pl.concat(frames).lazy(),
        symptom=SYMPTOM,
    )
