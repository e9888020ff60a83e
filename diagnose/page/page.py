"""A diagnosis as one HTML file: no script, nothing fetched, every sender's text escaped.

All markup stands in templates that escape what they are given; the policy in the page's head lets
a browser apply this one style sheet, known by its hash, and nothing else.
"""

import os
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from diagnose.failure import Failure
from diagnose.page.advice import advice_of
from diagnose.page.answer import SENTENCE, answer_of, doubts_of, stamp, unit_of
from diagnose.page.axis import axis_of
from diagnose.page.graph import WORDS, picture
from diagnose.page.logs import logs_of
from diagnose.page.tables import candidates, edge_rows, ladders, rest_of
from diagnose.page.text import visible
from diagnose.page.timeline import tracks
from diagnose.schema import Diagnosis, Window
from diagnose.wording import counted, percent, quantity

SENTENCES: Final = 40  # of what is missing


def render(diagnosis: Diagnosis, window: Window, records: pl.LazyFrame | None = None) -> str:
    """Return ``diagnosis`` as an HTML document that needs nothing besides itself.

    Args:
        diagnosis: What was found.
        window: What it was found in.
        records: The incident's log records (schema LOGS), of which a few lines are quoted; None
            where there are none.
    """
    axis = axis_of(window)
    shown = tracks(diagnosis, window, axis)
    style = _style()
    seconds = diagnosis.duration_seconds
    accused = diagnosis.root_causes[0].entity if diagnosis.root_causes else None
    return _template("page.html").render(
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        incident=visible(diagnosis.incident),
        version=version("aitia"),
        asked=stamp(window.as_of),
        answer=answer_of(diagnosis, window, shown),
        advice=advice_of(diagnosis),
        picture=picture(diagnosis),
        axis=axis,
        tracks=shown,
        logs=logs_of(window, axis, records, accused),
        candidates=candidates(diagnosis),
        rest=rest_of(diagnosis),
        graph=diagnosis.graph,
        edges=edge_rows(diagnosis),
        verdicts=WORDS,
        ladders=ladders(diagnosis, unit_of(diagnosis.symptom, window)),
        doubts=doubts_of(diagnosis),
        missing=[visible(sentence, SENTENCE) for sentence in diagnosis.missing[:SENTENCES]],
        missing_more=max(len(diagnosis.missing) - SENTENCES, 0),
        sent=[visible(sentence, SENTENCE) for sentence in diagnosis.graph.sent[:SENTENCES]],
        took=quantity(sum(seconds.values()), "s"),
        stages=[(visible(stage), quantity(took, "s")) for stage, took in seconds.items()],
    )


def write(path: Path, document: str) -> None:
    """Write ``document`` to ``path``, whole or not at all.

    Raises:
        Failure: ``path`` cannot be written, or is something else than a file.
    """
    way_out = "choose another file with --report"
    path = path.resolve()  # what a link points to is replaced, not the link
    if path.exists() and not path.is_file():
        raise Failure(f"{path} is not a file", way_out)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(document)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failure(f"{path}: cannot be written ({error.strerror})", way_out) from error


@cache
def _template(name: str) -> Template:
    """Return a template of the engine, which escapes whatever it is not told to trust."""
    environment = Environment(
        loader=PackageLoader("diagnose.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, counted=counted)
    return environment.get_template(name)


@cache
def _style() -> str:
    """Return the style sheet."""
    return files("diagnose.page").joinpath("templates/page.css").read_text(encoding="utf-8")
