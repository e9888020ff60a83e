"""Incidents made by somebody who wants the page to act, to lie or to be too large to open."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from diagnose.schema import (
    LOGS,
    TIME,
    Anomaly,
    Association,
    CausalGraph,
    Check,
    Counterfactual,
    Diagnosis,
    Edge,
    Guidance,
    Intervention,
    Node,
    RootCause,
    Sign,
    Signal,
    Step,
    Verdict,
    Window,
)

ALERT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
STEP = timedelta(seconds=10)
HOSTILE = (
    "<script>window.hit = 1</script>",
    '"><img src=x onerror="window.hit = 1">',
    "'><svg onload='window.hit = 1'>",
    "javascript:window.hit=1",
    "</style><script>window.hit = 1</script>",
    "</title><base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "url(https://evil.example/x.png) @import 'https://evil.example/x.css'",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- --><![CDATA[ ]]>&lt;b&gt;&#0;",
    "txt.\u202egpj\u2066exe\u2069",
    "\x00\x1b[31mred\x1b]0;owned\x07\x9b2J",
    "Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307a\u0300\u0301lgo",
    "\u200b\ufeff\ue000\U000e0041",
    "磁盘 قرص دیسک 💥",
    "x" * 5000,
)


def nodes(number):
    """Return as many signals with hostile names."""
    return [
        Node(f"{HOSTILE[i % len(HOSTILE)]}{i}", HOSTILE[(i + 3) % len(HOSTILE)])
        for i in range(number)
    ]


def window_of(signals, baseline=300, recent=30, missing=()):
    """Return a window of ``signals`` that all move at the alert, with gaps."""
    rng = np.random.default_rng(0)
    first = ALERT - baseline * STEP

    def part(begin, rows, level):
        values = rng.normal(level, 1.0, (rows, len(signals)))
        values[5:9] = np.nan
        schema = {str(signal.node): pl.Float64 for signal in signals}
        frame = pl.from_numpy(values, schema, orient="row").fill_nan(None)
        times = pl.Series("time", [begin + i * STEP for i in range(rows)], TIME)
        return frame.insert_column(0, times)

    return Window(
        tuple(signals),
        part(first, baseline, 10.0),
        part(ALERT, recent, 30.0),
        STEP.total_seconds(),
        ALERT,
        ALERT + recent * STEP,
        missing=missing,
    )


def diagnosis_of(signals, edges=(), **others):
    """Return an answer that accuses the first of ``signals`` of acting on the last."""
    first, last = signals[0], signals[-1]
    path = (first, *(node for node in signals[1:4] if node != last), last)
    causes = tuple(RootCause(n.entity, n.signal, 0.5 / len(signals)) for n in signals[1:])
    causes = (RootCause(first.entity, first.signal, 0.4, path), *causes)
    return Diagnosis(
        HOSTILE[0],
        last,
        causes,
        1 - sum(cause.probability for cause in causes),
        "uncalibrated",
        causes[1:],
        causes,
        CausalGraph(tuple(signals), tuple(edges), "supported", 0.5, 0.1, 0.4, sent=HOSTILE),
        tuple(Anomaly(node, ALERT + STEP, 20.0, 9.0, 10.0, 30.0) for node in signals[:40]),
        tuple(Association(node, 0.5, 10.0, 20.0) for node in signals[:5]),
        tuple(Intervention(node, refused=HOSTILE[1]) for node in signals[:5]),
        tuple(Counterfactual(node, refused=HOSTILE[2]) for node in signals[:5]),
        guidance=tuple(guidance_of(signals[0], HOSTILE[i:]) for i in range(5)),
        alert_time=ALERT,
        as_of=ALERT + 30 * STEP,
        **others,
    )


def guidance_of(node, texts):
    """Return what to do about ``node`` in other people's words."""
    return Guidance(
        "inc-1",
        texts[0],
        texts[1],
        "ticket",
        node.entity,
        0.4,
        signs=(Sign(texts[2], node), Sign(texts[3])),
        checks=tuple(Check(text, text, text) for text in texts),
        steps=tuple(Step(text, text, text, text) for text in texts),
        effect=Intervention(node, refused=texts[0]),
        escalate_when=texts,
        references=texts,
        vendor=texts,
    )


def edges_between(signals, number):
    """Return ``number`` edges, each from an earlier to a later signal, of every verdict."""
    pairs = [(i, j) for j in range(len(signals)) for i in range(j)]
    ends = {(0, 1), (1, 2), (2, 3), (3, len(signals) - 1)} & set(pairs)
    verdicts: tuple[Verdict, ...] = ("supported", "refuted", "untestable", "untestable")
    for at, (i, j) in enumerate([*ends, *(pair for pair in pairs if pair not in ends)][:number]):
        tested = {"p_value": 0.01, "effective_n": 90.0} if at % 4 < 3 else {}
        yield Edge(signals[i], signals[j], "model", "lag", verdicts[at % 4], **tested)


def records_of(*bodies, entity="web", severity="ERROR"):
    """Return log records around the alert."""
    rows = [(ALERT + i * STEP, entity, severity, body, "{}") for i, body in enumerate(bodies)]
    return pl.DataFrame(rows, LOGS, orient="row").lazy()


def counting(template, entity="web", severity="ERROR", source="template"):
    """Return the signal that counts a template."""
    return Signal(Node(entity, f"log/{severity}/{template}"), source=source)
