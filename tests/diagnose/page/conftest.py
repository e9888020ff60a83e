"""A page that nobody should have to open."""

import polars as pl
import pytest

from diagnose.page.page import render
from diagnose.schema import Node, Signal
from tests.diagnose.page.hostile import (
    HOSTILE,
    counting,
    diagnosis_of,
    edges_between,
    nodes,
    records_of,
    window_of,
)


@pytest.fixture(scope="session")
def hostile_page():
    """Return a page of an incident in which every text is hostile."""
    signals = nodes(40)
    known = [Signal(node) for node in signals]
    known += [counting(text[:120], HOSTILE[i]) for i, text in enumerate(HOSTILE)]
    known.append(Signal(Node(HOSTILE[1], f"change/{HOSTILE[3]}"), source="change"))
    bodies = [*HOSTILE, "<script>window.hit = 1</script>" * 350_000]
    records = pl.concat(
        records_of(body, entity=HOSTILE[i % len(HOSTILE)], severity=body[:20])
        for i, body in enumerate(bodies)
    )
    diagnosis = diagnosis_of(signals, edges_between(signals, 60), missing=HOSTILE)
    return render(diagnosis, window_of(known), records)
