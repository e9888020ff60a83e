"""Roles of a few lines, and the bundle that they explain: what a command shows is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from diagnose.incident.bundle import write_bundle
from diagnose.pipeline import Roles
from diagnose.schema import (
    Anomaly,
    CausalGraph,
    Edge,
    Node,
    Paragraph,
    RootCause,
)
from models.calibration import UNFITTED

ALERT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
DISK = Node("db-1", "disk.free")
LATENCY = Node("shop", "latency")
HOSTILE = Node("web\x1b[2J\x1b]0;owned\x07", "[red]lat\u202eency[/red]\r\nrm -rf /")


class Scripted:
    """Every role, answering what a test wrote down."""

    def __init__(self, cause=DISK, symptom=LATENCY):
        self.cause, self.symptom = cause, symptom

    def detect(self, window, symptom):
        return (
            (Anomaly(self.cause, ALERT, 9.0), Anomaly(self.symptom, ALERT, 8.0))
            if self.cause
            else ()
        )

    def rank(self, window, symptom):
        return (RootCause(LATENCY.entity, LATENCY.signal, 0.5),)

    def propose(self, window, anomalies, symptom):
        edge = Edge(self.cause, self.symptom, "topology", "topology", "supported", 0.001, 120.0)
        return CausalGraph((self.cause, self.symptom), (edge,), trust=0.5)

    def attribute(self, graph, window, anomalies, ranking, symptom):
        return (RootCause(self.cause.entity, self.cause.signal, 0.75, (self.cause, self.symptom)),)

    def tell(self, diagnosis, window):
        said = f"It is {self.cause}." if self.cause else "No incident."
        return (Paragraph("Answer", (said,)), Paragraph("Missing", ("No logs were seen.",)))

    def roles(self):
        nothing = lambda *_: ()  # noqa: E731
        return Roles(
            self,
            self,
            self,
            None,
            lambda graph, _: graph,
            self.attribute,
            nothing,
            nothing,
            nothing,
            lambda diagnosis, _: diagnosis,
            self.tell,
            UNFITTED,
        )


def bundle_in(folder, truth=None, symptom=True):
    times = [ALERT + timedelta(seconds=10 * i) for i in range(-120, 30)]
    rng = np.random.default_rng(0)
    readings = pl.concat(
        pl.DataFrame(
            {
                "time": times,
                "entity": node.entity,
                "signal": node.signal,
                "value": rng.normal(size=150),
            }
        )
        for node in (DISK, LATENCY)
    )
    incident = {
        "id": folder.name,
        "source": "test",
        "alert_time": ALERT.isoformat(),
        "symptom": {"entity": "shop", "signal": "latency"} if symptom else None,
        "step_seconds": 10,
    }
    write_bundle(folder, incident, readings.cast({"time": pl.Datetime("us", "UTC")}), truth=truth)
    return folder
