"""Frames without secrets, before anything touches the disk."""

import os
from pathlib import Path
from typing import Final

import polars as pl

from collectors.redaction import Redaction
from diagnose.schema import LOGS, Failure

NAMES: Final = 1_000_000  # that are remembered as looked at
KEY_BYTES: Final = 32


class Cleaning:
    """Takes secrets out of frames; several threads may.

    A name comes again with every reading, so each is looked at once.

    Args:
        redaction: Finds the secrets.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._clean: set[str] = set()

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` without secrets, in names, texts and attributes."""
        if frame.schema == LOGS:
            frame = self._redaction.logs(frame)
        for column in ("entity", "signal", "caller", "callee"):
            if column in frame.columns:
                frame = self._with_clean_names(frame, column)
        return frame

    def _with_clean_names(self, frame: pl.DataFrame, column: str) -> pl.DataFrame:
        fresh = [name for name in frame[column].unique() if name not in self._clean]
        if not fresh:
            return frame
        clean = self._redaction.texts(pl.Series(fresh, dtype=pl.String)).to_list()
        if len(self._clean) > NAMES:
            self._clean = set()
        self._clean.update(clean)
        if clean == fresh:
            return frame
        return frame.with_columns(pl.col(column).replace(fresh, clean))


def site_key(file: Path) -> bytes:
    """Return the key by which this site's secrets are marked, made where there is none yet.

    Raises:
        Failure: the file or its folder cannot be read or made, or it holds no key.
    """
    _made(file.parent)
    try:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = file.read_bytes()
        else:
            with os.fdopen(descriptor, "wb") as made:
                key = os.urandom(KEY_BYTES)
                made.write(key)
                made.flush()
                os.fsync(descriptor)
    except OSError as error:
        way_out = "let its owner read it, or remove it: marks change then"
        raise Failure(f"{file}: {error.strerror}", way_out) from error
    if len(key) != KEY_BYTES:
        raise Failure(f"{file}: holds no key of {KEY_BYTES} bytes", "remove it: marks change then")
    return key


def _made(folder: Path) -> None:
    """Make ``folder`` where it is not there yet.

    Raises:
        Failure: it cannot be made, or nothing can be written into it.
    """
    way_out = "set telemetry.dir to a folder that may be written"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Failure(f"{folder}: the folder cannot be made ({error.strerror})", way_out) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"{folder}: nothing can be written into this folder", way_out)
