"""Syslog lines, RFC 5424 and RFC 3164 -> log records.

Reads:  lines without their framing, as TCP, TLS or UDP brought them
Emits:  logs; the entity is the host that the line names (its sender where it names none), followed
        by the program where one wrote it: ``db1/sshd``; the kernel speaks for the host
Assumes: a line of RFC 3164 was written within the last year, and in UTC: it says neither
See:    https://www.rfc-editor.org/rfc/rfc5424, https://www.rfc-editor.org/rfc/rfc3164
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from collectors.limits import Limits, in_time
from collectors.push import Decoded
from diagnose.schema import TIME

# syslog's severities 0..7 as OpenTelemetry's short names
SEVERITY: Final = ("FATAL", "ERROR3", "ERROR2", "ERROR", "WARN", "INFO2", "INFO", "DEBUG")
NO_PRIORITY: Final = 13  # what a line without one has: user, notice
NIL: Final = "-"
BYTE_ORDER_MARK: Final = "\ufeff"
AHEAD: Final = timedelta(days=1)  # of a line without a year
YEAR: Final = timedelta(days=365)
MODERN: Final = (
    r"^<(?P<priority>\d{1,3})>\d{1,2}"
    r" (?P<time>[!-~]{1,40}) (?P<host>[!-~]{1,255}) (?P<program>[!-~]{1,48})"
    r" (?P<process>[!-~]{1,128}) (?P<message_id>[!-~]{1,32})"
    r' (?P<structured>-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+)(?: (?s:(?P<body>.*)))?$'
)
# Host and program may both be left out, and by many a device are.
TRADITIONAL: Final = (
    r"^(?:<(?P<priority>\d{1,3})>)?(?:(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\S{8,26})) (?:(?P<host>[!-9;-Z\\-~]{1,255}) )?"
    r"(?:(?P<program>[!-9;-Z\\-~]{1,48})(?:\[(?P<process>[!-Z^-~]{0,128})\])?: ?)?"
    r"(?s:(?P<body>.*))$"
)
BARE: Final = r"^(?:<(?P<priority>\d{1,3})>)?(?s:(?P<body>.*))$"


def decoded(
    lines: Sequence[bytes], sender: str, now: datetime, limits: Limits | None = None
) -> Decoded:
    """Return the records in ``lines``; a line in no known form is a record with its whole text.

    Args:
        lines: Without their framing.
        sender: Address of who sent them, the entity of lines that name no host.
        now: The receiver's clock, the time of lines that tell none.
        limits: What is taken.
    """
    limits = limits or Limits()
    text = pl.Series("line", [line.decode(errors="replace") for line in lines], pl.String)
    forms = text.to_frame().select(
        modern=pl.col("line").str.extract_groups(MODERN),
        traditional=pl.col("line").str.extract_groups(TRADITIONAL),
        bare=pl.col("line").str.extract_groups(BARE),
    )
    given = forms.select(
        time=_time(now),
        host=_said("host", "modern", "traditional").fill_null(sender),
        program=_said("program", "modern", "traditional"),
        priority=_said("priority", "modern", "traditional", "bare")
        .cast(pl.Int32)
        .fill_null(NO_PRIORITY),
        body=_said("body", "modern", "traditional", "bare"),
        process=_said("process", "modern", "traditional"),
        message_id=_said("message_id", "modern"),
        structured=_said("structured", "modern"),
    )
    frame, rejected = in_time(given.select(**_columns(limits)), now, limits)
    return Decoded((frame,) if frame.height else (), rejected)


def _said(field: str, *forms: str) -> pl.Expr:
    """Return what a line says in the first of ``forms`` that it has; null where that is nothing."""
    said = pl.lit(None, pl.String)
    for form in reversed(forms):
        known = pl.col(form).struct.field("priority" if form == "modern" else "body").is_not_null()
        said = pl.when(known).then(pl.col(form).struct.field(field)).otherwise(said)
    return pl.when(said != NIL).then(said)


def _time(now: datetime) -> pl.Expr:
    """Return when a line says that it was written, else ``now``."""
    iso = pl.coalesce(_said("time", "modern"), pl.col("traditional").struct.field("iso"))
    clock = pl.col("traditional").struct.field("time")
    year = pl.concat_str(pl.lit(f"{now.year} "), clock).str.to_datetime(
        "%Y %b %e %H:%M:%S", time_unit="us", strict=False
    )
    near = year.dt.replace_time_zone("UTC")
    for late, years in ((near - now > AHEAD, "-1y"), (now - near > YEAR - AHEAD, "1y")):
        near = pl.when(late).then(near.dt.offset_by(years)).otherwise(near)
    said = iso.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return pl.coalesce(said, near, pl.lit(now, TIME))


def _columns(limits: Limits) -> dict[str, pl.Expr]:
    """Return the columns of LOGS."""
    program, priority = pl.col("program"), pl.col("priority")
    own = program.is_not_null() & (program != "kernel")
    body = pl.col("body").fill_null("").str.strip_prefix(BYTE_ORDER_MARK).str.strip_chars_start(" ")
    attributes = pl.struct(
        priority.floordiv(8).alias("facility"), "program", "process", "message_id", "structured"
    )
    return {
        "time": pl.col("time"),
        "entity": pl.when(own).then(pl.concat_str("host", pl.lit("/"), program)).otherwise("host"),
        "severity": (priority % 8).replace_strict(range(8), SEVERITY, return_dtype=pl.String),
        "body": body.str.slice(0, limits.line_characters),
        "attributes": attributes.struct.json_encode(),
    }
