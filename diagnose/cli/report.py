"""A diagnosis as a page of text: the answer first, then what it rests on."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.cli.terminal import WIDEST, console, fill, table, write_json
from diagnose.schema import Diagnosis, Edge, Paragraph, RootCause
from diagnose.wording import duration, percent, printable

ORDER = {"supported": 0, "untestable": 1, "refuted": 2}
LONGEST = 2000  # characters of a sentence
SHOWN = 8  # candidates to show; the JSON has them all
UNCLAIMED = 5  # candidates to show where nothing is claimed


def show_diagnosis(diagnosis: Diagnosis, output: str) -> None:
    """Write ``diagnosis`` to stdout.

    Args:
        diagnosis: What to tell.
        output: "json" for programs, "table" for people.
    """
    if output == "json":
        kind = TypeAdapter(Diagnosis)
        write_json(kind.dump_json(diagnosis, indent=2, ensure_ascii=True))
        return
    screen = console()
    answer, *rest = diagnosis.story or (Paragraph("Answer", (_answer(diagnosis),)),)
    _paragraph(screen, answer, style="bold")
    _paragraph(screen, Paragraph("", (_occasion(diagnosis),)), style="dim")
    if diagnosis.silenced:
        _paragraph(screen, Paragraph("", (diagnosis.silenced,)), style="bold")
    screen.print()
    screen.print(_candidates(diagnosis))
    for paragraph in rest:
        _paragraph(screen, Paragraph(paragraph.title, ()), style="bold")
        _paragraph(screen, Paragraph("", paragraph.sentences), indent=2)
        screen.print()
    if diagnosis.graph.edges:
        screen.print(_edges(diagnosis.graph.edges))
    _paragraph(screen, Paragraph("", (_durations(diagnosis),)), style="dim")


def _paragraph(screen: Console, paragraph: Paragraph, style: str = "", indent: int = 0) -> None:
    """Print a title, or each sentence on a line of its own; only a screen makes lines end early."""
    for line in paragraph.sentences or (paragraph.title,):
        text = Text(printable(line, LONGEST), style)
        if screen.is_terminal:
            padded = Padding(text, (0, 0, 0, indent), expand=False)
            screen.print(padded, width=min(screen.width, WIDEST))
        else:
            screen.print(Text(" " * indent) + text, soft_wrap=True)


def _answer(diagnosis: Diagnosis) -> str:
    """Return the answer in one sentence, for a diagnosis that tells no story."""
    if not diagnosis.root_causes:
        return "No incident: no root cause is named."
    first = diagnosis.root_causes[0]
    return (
        f"The likeliest cause is {first.node} ({percent(first.probability)}, "
        f"{diagnosis.calibration}); something else: {percent(diagnosis.other_probability)}."
    )


def _occasion(diagnosis: Diagnosis) -> str:
    parts = [diagnosis.incident]
    if diagnosis.alert_time:
        parts.append(f"alert {diagnosis.alert_time:%Y-%m-%d %H:%M:%S} UTC")
    if diagnosis.as_of:
        parts.append(f"asked as of {diagnosis.as_of:%Y-%m-%d %H:%M:%S} UTC")
    return " · ".join(parts)


def _durations(diagnosis: Diagnosis) -> str:
    seconds = diagnosis.duration_seconds
    stages = ", ".join(f"{stage} {duration(took)}" for stage, took in seconds.items())
    return f"Took {duration(sum(seconds.values()))}: {stages}." if seconds else ""


def _candidates(diagnosis: Diagnosis) -> Table:
    """Return the ranking beside the two that it has to beat."""
    causes = diagnosis.root_causes
    title = "Candidates"
    if not causes:
        causes = diagnosis.ranking_without_graph[:UNCLAIMED]
        title = "Whom one would suspect first; nothing is claimed of them"
    rows = [
        (
            str(place),
            cause.entity,
            cause.signal,
            percent(cause.probability),
            _place(cause, diagnosis.ranking_without_graph),
            _place(cause, diagnosis.ranking_without_model),
        )
        for place, cause in enumerate(causes[:SHOWN], start=1)
    ]
    if diagnosis.root_causes:
        rest = sum(cause.probability for cause in causes[SHOWN:])
        if rest:
            rows.append(("", f"{len(causes) - SHOWN} more", "", percent(rest), "", ""))
        rows.append(
            ("", "something else that is watched", "", percent(diagnosis.other_probability), "", "")
        )
    columns = (">", "entity", "signal", ">probability", ">no graph", ">no model")
    return fill(table(title, *columns), rows)


def _place(cause: RootCause, ranking: Sequence[RootCause]) -> str:
    """Return the place that another ranking gives to ``cause``."""
    nodes = [other.node for other in ranking]
    return str(nodes.index(cause.node) + 1) if cause.node in nodes else "-"


def _edges(edges: Sequence[Edge]) -> Table:
    rows = [
        (
            edge.verdict,
            f"{edge.cause} → {edge.effect}",
            "-" if edge.p_value is None else f"{edge.p_value:.2g}",
            "-" if edge.effective_n is None else f"{edge.effective_n:.0f}",
            "-" if edge.lag_seconds is None else duration(edge.lag_seconds),
            edge.origin,
            edge.direction_from,
        )
        for edge in sorted(edges, key=lambda edge: ORDER[edge.verdict])
    ]
    columns = ("verdict", "cause → effect", ">p", ">n", ">lag", "origin", "direction")
    return fill(table("Edges", *columns), rows)
