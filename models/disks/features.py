"""What a disk's history tells at a moment, as numbers.

For each SMART value: what it is, by how much and how often it rose over four spans, how long ago it
last rose, and how much of it was taken back. For the disk: its age, size, how long it has been
watched, how often anything changed, and how often disks of its model fail. What a disk does not
report stays NaN, which the trees treat as a value of its own.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.disks.history import SMART, Array, History, Hours

SPANS: Final = (24, 7 * 24, 30 * 24, 90 * 24)  # hours
ERRORS: Final = ("smart_5", "smart_187", "smart_196", "smart_197", "smart_198")
_ERROR: Final = [SMART.index(name) for name in ERRORS]


def names() -> tuple[str, ...]:
    """Return the names of the features, in order; what precedes the dot is what they tell of.

    Example:
        >>> names()[0], names()[-1]
        ('smart_5.value', 'model.rate')
    """
    spans = [
        name
        for span in SPANS
        for name in (
            *(f"{value}.gained_{span}h" for value in SMART),
            *(f"{value}.rises_{span}h" for value in ERRORS),
            f"rows.new_{span}h",
        )
    ]
    return (
        *(f"{value}.value" for value in SMART),
        *spans,
        *(f"{value}.hours_since_rise" for value in SMART),
        *(f"{value}.taken_back" for value in SMART),
        "watched.hours",
        "age.hours",
        "rows.hours_since_new",
        "size.terabytes",
        "rows.count",
        "model.rate",
    )


def features(
    history: History, row: Hours, at: Hours, rates: Mapping[str, float], unknown: float
) -> NDArray[np.float32]:
    """Return the features, of shape (cases, features).

    Args:
        history: What is known of all disks.
        row: The newest row of each case, as ``History.known`` gives it; none is -1.
        at: The moment of each case.
        rates: Logarithm of the failures a drive-day of each known model.
        unknown: The same of a model that ``rates`` lacks.
    """
    first = history.first[history.disk[row]]
    value = history.smart[row]
    told = [value]
    for span in SPANS:
        before = np.maximum(history.known(history.disk[row], at - span), first)
        told += [
            value - history.smart[before],
            (history.rises[row] - history.rises[before])[:, _ERROR].astype(np.float64),
            (row - before)[:, None].astype(np.float64),
        ]
    risen = history.risen[row]
    told += [
        np.where(risen < 0, np.nan, at[:, None] - risen),
        history.climbed[row] - history.climbed[first] - np.nan_to_num(value - history.smart[first]),
        _of_disk(history, row, first, at),
        _rates(history.model[row], rates, unknown)[:, None],
    ]
    return np.concatenate([part.astype(np.float32) for part in told], axis=1)


def _of_disk(history: History, row: Hours, first: Hours, at: Hours) -> Array:
    since = at - history.start[row]
    columns = (
        at - history.start[first],
        history.power_on[row] + since,
        since,
        history.size_tb[row],
        row - first,
    )
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _rates(models: NDArray[np.str_], rates: Mapping[str, float], unknown: float) -> Array:
    different, place = np.unique(models, return_inverse=True)
    return np.array([rates.get(str(model), unknown) for model in different])[place]
