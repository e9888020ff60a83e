"""What a disk's history tells at a moment, as numbers.

For each SMART value: what it is, by how much and how often it rose over four spans, how long ago it
first and last rose, and how much of it was taken back. For the disk: its age, size, how long it has
been watched, how often anything changed, how many kinds of errors it has and since when, and how
often disks of its model fail, with as many errors or at that age. What a disk does not report stays
NaN, which the trees treat as a value of its own.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.disks.history import ERRORS, LATER, RULE, SMART, Array, History, Hours
from models.disks.rates import errs, years

SPANS: Final = (24, 7 * 24, 30 * 24, 90 * 24)  # hours
WEEK, MONTH = SPANS[1:3]
WATCHED: Final = [*ERRORS, SMART.index("smart_188"), SMART.index("smart_189")]


def names() -> tuple[str, ...]:
    """Return the names of the features, in order; what precedes the dot is what they tell of.

    Example:
        >>> names()[0], names()[-1]
        ('smart_5.value', 'model.rate_at_age')
    """
    spans = [
        name
        for span in SPANS
        for name in (
            *(f"{value}.gained_{span}h" for value in SMART),
            *(f"{SMART[place]}.rises_{span}h" for place in ERRORS),
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
        *(f"{SMART[place]}.hours_since_first" for place in WATCHED),
        "errors.hours_since_first",
        "errors.kinds",
        *(f"{SMART[place]}.rises_ever" for place in WATCHED),
        f"errors.risen_{MONTH}h",
        f"errors.risen_{WEEK}h",
        "errors.hours_since_rise",
        "rows.hours_since_rise",
        "errors.sum",
        "model.rate",
        "model.rate_with_errors",
        "model.rate_at_age",
    )


def features(
    history: History, row: Hours, at: Hours, rates: Mapping[str, Array], unknown: Array
) -> NDArray[np.float32]:
    """Return the features, of shape (cases, features).

    Args:
        history: What is known of all disks.
        row: The newest row of each case, as ``History.known`` gives it; none is -1.
        at: The moment of each case.
        rates: Of each known model, as ``models.disks.rates`` gives them.
        unknown: Those of a model that ``rates`` lacks.
    """
    first = history.first[history.disk[row]]
    value = history.smart[row]
    told = [value]
    for span in SPANS:
        before = np.maximum(history.known(history.disk[row], at - span), first)
        told += [
            value - history.smart[before],
            (history.rises[row] - history.rises[before])[:, ERRORS].astype(np.float64),
            (row - before)[:, None].astype(np.float64),
        ]
    risen = history.risen[row]
    told += [
        np.where(risen < 0, np.nan, at[:, None] - risen),
        history.climbed[row] - history.climbed[first] - np.nan_to_num(value - history.smart[first]),
        _of_disk(history, row, first, at),
        _errors(history, row, first, at),
        _rates(history, row, at, rates, unknown),
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


def _errors(history: History, row: Hours, first: Hours, at: Hours) -> Array:
    """Return what all errors together tell, and how long each has been there."""
    broke, risen = history.broke[row], history.risen[row]
    since = np.where(broke == LATER, np.nan, at[:, None] - broke)
    ago = np.where(risen < 0, np.inf, at[:, None] - risen)
    value = np.nan_to_num(history.smart[row])
    earliest = broke[:, RULE].min(axis=1)
    together = (
        (ago[:, ERRORS] <= MONTH).sum(axis=1),
        (ago[:, ERRORS] <= WEEK).sum(axis=1),
        ago[:, ERRORS].min(axis=1),
        ago.min(axis=1),
        value[:, ERRORS].sum(axis=1),
    )
    return np.column_stack(
        [
            since[:, WATCHED],
            np.where(earliest == LATER, np.nan, at - earliest),
            (value[:, RULE] > 0).sum(axis=1),
            (history.rises[row] - history.rises[first])[:, WATCHED],
            *(np.asarray(one, dtype=np.float64) for one in together),
        ]
    )


def _rates(
    history: History, row: Hours, at: Hours, rates: Mapping[str, Array], unknown: Array
) -> Array:
    different, place = np.unique(history.model[row], return_inverse=True)
    table = np.array([rates.get(str(model), unknown) for model in different])[place]
    year = years(history.power_on[row] + at - history.start[row])
    each = np.arange(len(row))
    return np.column_stack(
        [table[:, 0], table[each, 1 + errs(history, row)], table[each, 3 + year]]
    )
