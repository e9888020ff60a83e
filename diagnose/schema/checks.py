"""Refusals that several types share: what JSON cannot carry, or a reader could misread."""

from math import isfinite


def share(name: str, value: float | None) -> None:
    """Raise ValueError unless ``value`` is None or lies in 0..1; NaN does not."""
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{name} lies in 0..1, and {value} does not")


def finite(name: str, value: float) -> None:
    """Raise ValueError for NaN and infinity."""
    if not isfinite(value):
        raise ValueError(f"{name} is finite, and {value} is not")


def at_least_zero(name: str, value: float | None) -> None:
    """Raise ValueError unless ``value`` is None or finite and not negative."""
    if value is not None and not (isfinite(value) and value >= 0):
        raise ValueError(f"{name} is finite and not negative, and {value} is not")
