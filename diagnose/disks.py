"""Disks that fail next: the tables that people bring, and the probabilities that they get.

A table that cannot be read right is refused with its file, column and row; nothing is guessed. Of a
history only ``models.disks.history.COLUMNS`` are read, so what became of a disk cannot leak in.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from diagnose.failure import Failure
from models.disks.history import COLUMNS, SMART, History, hours_of

if TYPE_CHECKING:
    from models.disks.survival import DiskSurvival

HORIZONS: Final = ("p_24h", "p_7d", "p_30d")
KNOWN: Final = "history"  # values of the column "basis": what a probability rests on
UNKNOWN: Final = "base rate"
_NEEDED: Final = ("serial_number", "min_date", "min_hours", "tstart")
_AT: Final = pl.Datetime("us")


def predict(model: "DiskSurvival", history: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Return ``cases`` with ``p_24h``, ``p_7d``, ``p_30d`` and ``basis``, row for row.

    Args:
        model: A fitted model.
        history: Of all disks, as ``read_history`` gives it.
        cases: As ``read_cases`` gives them.
    """
    known = History.of(history) if history.height else None
    at = cases.select(hours_of(_utc(cases, "at")))["at"].to_numpy().astype(np.int64)
    if known is None:
        risk, seen = np.tile(model.base_risk(), (len(at), 1)), np.zeros(len(at), bool)
    else:
        disk = known.numbers(cases["serial_number"].to_numpy().astype(str))
        risk, seen = model.predict(known, disk, at), known.known(disk, at) >= 0
    return cases.with_columns(
        *(pl.Series(name, risk[:, place]) for place, name in enumerate(HORIZONS)),
        pl.Series("basis", np.where(seen, KNOWN, UNKNOWN), pl.String),
    )


def read_history(path: Path, more: pl.Schema | None = None) -> pl.DataFrame:
    """Return the rows of a history, the columns that are read and no others.

    Args:
        path: A Parquet file; one row for each time that a disk's values changed.
        more: Further columns to read, which training needs.

    Raises:
        Failure: the file, a column or a row cannot be used.
    """
    wanted = pl.Schema([*COLUMNS.items(), *(more or {}).items()])
    rows = _typed(_parquet(path, list(wanted)), wanted, path)
    _complete(rows, [*_NEEDED, *(more or ())], path)
    for name in SMART:
        _refuse(rows, pl.col(name).is_infinite() | (pl.col(name) < 0), f"{name} is no count", path)
    return rows


def read_cases(path: Path) -> pl.DataFrame:
    """Return the cases to predict, with whatever columns they have.

    Args:
        path: A Parquet file with ``serial_number`` and ``at``; a moment without zone is in UTC.

    Raises:
        Failure: the file, a column or a row cannot be used.
    """
    cases = _parquet(path)
    for name in ("serial_number", "at"):
        if name not in cases.columns:
            raise Failure(f"{path} has no column {name}", "a case is a serial_number and an at")
    taken = [name for name in (*HORIZONS, "basis") if name in cases.columns]
    if taken:
        raise Failure(f"{path} has a column {taken[0]} already", "leave it out, or rename it")
    return _moments(cases, "serial_number", "at", path)


def read_repairs(path: Path) -> pl.DataFrame:
    """Return ``entity`` and ``time`` (UTC, without zone) of repairs; of a disk, its serial number.

    Args:
        path: A Parquet file; repairs of what is no disk do no harm.

    Raises:
        Failure: the file, a column or a row cannot be used.
    """
    repairs = _moments(_parquet(path, ["entity", "time"]), "entity", "time", path)
    return repairs.with_columns(_utc(repairs, "time").alias("time"))


def write(told: pl.DataFrame, path: Path) -> None:
    """Write a table as Parquet in one move: whoever reads ``path`` sees all of it or the old one.

    Raises:
        Failure: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        told.write_parquet(draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failure(f"{path} cannot be written: {error.strerror or error}") from error


def _moments(rows: pl.DataFrame, who: str, when: str, path: Path) -> pl.DataFrame:
    """Return ``rows``, each of which names somebody and a moment."""
    kinds = rows.schema
    if kinds[who] != pl.String:
        raise Failure(f"{path}: column {who} is {kinds[who]}, not text")
    if not kinds[when].is_temporal() or kinds[when] in (pl.Time, pl.Duration):
        raise Failure(f"{path}: column {when} is {kinds[when]}, not a moment")
    _complete(rows, [who, when], path)
    return rows


def _utc(rows: pl.DataFrame, when: str) -> pl.Expr:
    kind, moment = rows.schema[when], pl.col(when)
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return moment.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(_AT)
    return moment.cast(_AT)


def _parquet(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    try:
        present = pl.read_parquet_schema(path)
        for name in columns or ():
            if name not in present:
                raise Failure(f"{path} has no column {name}", f"it has {', '.join(present)}")
        return pl.read_parquet(path, columns=columns)
    except FileNotFoundError as error:
        raise Failure(f"no file {path}", "give the path of a Parquet file") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Failure(f"{path} is no Parquet file that can be read: {error}") from error


def _typed(rows: pl.DataFrame, wanted: pl.Schema, path: Path) -> pl.DataFrame:
    """Return ``rows`` in the types of ``wanted``; NaN becomes null."""
    for name, kind in wanted.items():
        have = rows.schema[name]
        fits = have.is_numeric() if kind.is_numeric() else have == kind
        dated = kind == pl.Date and isinstance(have, pl.Datetime)
        if not (fits or dated or have == pl.Null):
            raise Failure(f"{path}: column {name} is {have}, not {kind}")
        if kind == pl.Int64 and have.is_float():
            _refuse(rows, ~pl.col(name).is_finite(), f"{name} is no number", path)
    return rows.cast(wanted).with_columns(pl.col(pl.Float64).fill_nan(None))


def _complete(rows: pl.DataFrame, columns: list[str], path: Path) -> None:
    for name in columns:
        _refuse(rows, pl.col(name).is_null(), f"{name} is empty", path)


def _refuse(rows: pl.DataFrame, wrong: pl.Expr, what: str, path: Path) -> None:
    """Raise a Failure that names the first row, counted from 1, where ``wrong`` holds."""
    places = rows.select(wrong.fill_null(False).arg_true()).to_series()
    if len(places):
        raise Failure(f"{path}: {what} in row {places[0] + 1} ({len(places)} such rows)")
