"""Are two signals independent, given others? A test for signals that remember their past.

Telemetry moves slowly, so that two signals without any connection drift together for a while and
a plain correlation test calls nearly every pair dependent. Here a pair is compared after both have
lost what their own past and the given signals explain; what memory is left shortens the sample.
Thousands of such questions about the same few columns are answered at once, from one matrix of
correlations between the columns and their own pasts.

Reference: Runge et al., "Detecting and quantifying causal associations in large nonlinear time
series datasets", Science Advances 5, 2019 (conditioning on both pasts); Pyper and Peterman,
"Comparison of methods to account for autocorrelation in correlation analyses of fish data",
Canadian Journal of Fisheries and Aquatic Sciences 55, 1998 (effective sample size).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAST: Final = 2  # steps of its own past that are taken from a signal before it is compared
GIVEN: Final = 3  # steps back for which a given signal is known, beside its value now
DRIFTS: Final = 8  # slow waves of the clock, up to four a table, that are no evidence
FEWEST_CHANGES: Final = 10  # a column that leaves its commonest value less often is not tested
FEWEST_MEETINGS: Final = 1  # changes of two columns that must be expected to meet by chance
FEWEST_ROWS: Final = 8  # below this many independent rows, no test
ALONE: Final = 1e-6  # share of its variance that a column must keep once the given ones are known
BATCH: Final = 1024  # tests solved at a time, so that their matrices stay in the cache
NOTHING: Final = -1  # fills a row of ``given`` that has fewer columns than the longest


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """How some columns, and their own pasts, move together.

    Attributes:
        correlation: Between all (column, lag) pairs; the pair stands at ``column * depth + lag``.
        rows: Instants at which both of two columns were seen.
        inflation: Instants that make one independent one, for each two columns; 1 or more.
        testable: Whether two columns move often enough to be compared.
        depth: Lags held of each column, 0 included.
    """

    correlation: Floats
    rows: Floats
    inflation: Floats
    testable: NDArray[np.bool_]
    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """What the tests said, one value a test; NaN where it could not be made.

    Attributes:
        p_value: Chance of a correlation at least as strong between independent columns, corrected
            for the lags that were tried.
        correlation: Partial correlation at the lag with the strongest evidence, -1..1.
        effective_n: Independent instants behind it.
        freedom: Those left once what is given has taken its share.
        lag: That lag, in steps by which the second column follows the first.
    """

    p_value: Floats
    correlation: Floats
    effective_n: Floats
    freedom: Floats
    lag: Floats


def moments(values: Floats, depth: int) -> Moments:
    """Return what the tests need to know of some columns.

    A gap is bridged by a straight line, which keeps a column's memory in one piece, and does not
    count as seen.

    Args:
        values: Shape (instants, columns); NaN where nothing was seen.
        depth: Lags to hold of each column: the longest lag that is tested, ``PAST`` and 1 more, and
            for given columns ``GIVEN`` and 1.
    """
    instants, columns = values.shape
    if instants < depth + FEWEST_ROWS or not columns:
        nothing = np.zeros((columns, columns))
        flat = np.eye(columns * depth)
        return Moments(flat, nothing, nothing + 1, nothing > 0, depth)
    changes = _changes(values)
    scores = _without_drift(normal_scores(values) * (changes >= FEWEST_CHANGES))
    windows = np.lib.stride_tricks.sliding_window_view(scores, depth, axis=0)
    lagged = windows[:, :, ::-1].reshape(-1, columns * depth)
    centred = lagged - lagged.mean(axis=0)
    deviation = np.sqrt((centred**2).mean(axis=0))
    unit = centred / np.where(deviation > 0, deviation, 1.0)
    correlation = unit.T @ unit / len(unit)
    np.fill_diagonal(correlation, 1.0)
    seen = np.isfinite(values).astype(np.float64)
    rows = seen.T @ seen
    alive = (deviation.reshape(columns, depth) > ALONE).all(axis=1)
    meetings = np.outer(changes, changes) / np.maximum(rows, 1)
    return Moments(
        correlation,
        rows,
        _inflation(_innovations(unit.reshape(-1, columns, depth), correlation)),
        np.outer(alive, alive) & (meetings >= FEWEST_MEETINGS),
        depth,
    )


def normal_scores(values: Floats) -> Floats:
    """Return the columns' ranks as normal quantiles: one wild value then weighs like any extreme.

    Args:
        values: Shape (instants, columns); NaN where nothing was seen, which lies on a line between
            its neighbours in what is returned. A column that never moves is 0 throughout.

    Example:
        >>> normal_scores(np.array([[float(i), 7.0] for i in range(19)]))[::6].round(2).tolist()
        [[-1.64, 0.0], [-0.39, 0.0], [0.39, 0.0], [1.64, 0.0]]
    """
    frame = pl.from_numpy(values, orient="row").fill_nan(None)
    places = frame.select((pl.all().rank("average") / (pl.all().count() + 1)).cast(pl.Float64))
    scores = pl.from_numpy(ndtri(places.to_numpy()), orient="row").fill_nan(None)
    bridged = scores.select(pl.all().interpolate().forward_fill().backward_fill().fill_null(0.0))
    return np.asarray(bridged.to_numpy())


def _changes(values: Floats) -> Floats:
    """Return how often each column leaves its commonest value."""
    frame = pl.from_numpy(values, orient="row").fill_nan(None)
    commonest = pl.all().drop_nulls().mode().min()
    return np.asarray(frame.select((pl.all() != commonest).sum()).to_numpy()[0], np.float64)


def _without_drift(scores: Floats) -> Floats:
    """Return what slow waves over the whole table do not explain: the clock moves everything."""
    phase = np.pi * (np.arange(len(scores)) + 0.5) / len(scores)
    waves = np.cos(phase[:, None] * np.arange(DRIFTS + 1))
    waves /= np.sqrt((waves**2).sum(axis=0))
    return np.asarray(scores - waves @ (waves.T @ scores))


def independence(
    measured: Moments,
    first: Ints,
    second: Ints,
    given: Ints,
    lags: Ints,
    given_lags: Ints | None = None,
) -> Dependence:
    """Return how dependent each ``first`` and ``second`` column are, given others and both pasts.

    Args:
        measured: Of the columns that are tested.
        first: One column a test.
        second: One column a test.
        given: Columns that may explain the dependence, shape (tests, most columns of a test),
            filled up with ``NOTHING``.
        lags: Steps by which ``second`` is taken to follow ``first``, shape (tests, lags) or
            (lags,); the strongest counts, and pays for the choice. Below 0, it leads.
        given_lags: By how many steps the given columns act on ``second``, shaped as ``given``;
            0 where it is left out. Each is known from that lag on, ``GIVEN`` steps back.

    Assumes:
        A dependence that shows in ranks, monotone and not only in the spread.
    """
    shape = (len(first), lags.shape[-1])
    tried = np.broadcast_to(lags, shape)
    ahead, behind = np.maximum(tried, 0), np.maximum(-tried, 0)
    depth, past = measured.depth, np.arange(1, PAST + 1)
    x, y = first[:, None] * depth + ahead, second[:, None] * depth + behind
    start = np.zeros_like(given) if given_lags is None else given_lags
    others = (given * depth + start)[:, :, None] + np.arange(GIVEN + 1)
    others = np.where((given == NOTHING)[:, :, None], NOTHING, others)
    flat = others.reshape(len(first), given.shape[1] * (GIVEN + 1))
    conditions = np.concatenate(
        (
            x[:, :, None] + past,
            y[:, :, None] + past,
            np.broadcast_to(flat[:, None], (*shape, flat.shape[1])),
        ),
        axis=2,
    )
    pairs = np.stack((x.ravel(), y.ravel()), axis=1)
    table = np.concatenate((pairs, conditions.reshape(len(pairs), conditions.shape[2])), axis=1)
    return _strongest(
        _partial_correlations(measured, table).reshape(shape),
        np.broadcast_to(_rows(measured, first, second, given)[:, None], shape),
        (conditions != NOTHING).sum(axis=2),
        tried,
        measured.testable[first, second][:, None],
    )


def _strongest(
    r: Floats, n: Floats, conditions: Ints, lags: Ints, testable: NDArray[np.bool_]
) -> Dependence:
    """Return, for each test, the lag with the least p-value, after Sidak's correction."""
    freedom = n - conditions - DRIFTS - 3
    usable = testable & (freedom >= FEWEST_ROWS) & np.isfinite(r)
    strength = np.abs(np.arctanh(np.where(usable, r, 0.0)))
    p = np.where(usable, 2 * ndtr(-strength * np.sqrt(np.maximum(freedom, 0.0))), np.inf)
    best = np.argmin(p, axis=1)[:, None]
    tried = usable.sum(axis=1)
    least = np.minimum(np.take_along_axis(p, best, axis=1)[:, 0], 1 - ALONE)
    corrected = -np.expm1(tried * np.log1p(-least))
    of_best = (np.take_along_axis(of, best, axis=1)[:, 0] for of in (r, n, freedom, lags))
    columns = (np.where(tried > 0, column, np.nan) for column in (corrected, *of_best))
    return Dependence(*columns)


def _partial_correlations(measured: Moments, table: Ints) -> Floats:
    """Return the correlation of a row's first two places given the rest of the row.

    NaN where the given places leave nothing of either.
    """
    r = np.empty(len(table))
    few_first = np.argsort((table != NOTHING).sum(axis=1), kind="stable")
    for begin in range(0, len(table), BATCH):
        batch = few_first[begin : begin + BATCH]
        places = table[batch]
        places = places[:, (places != NOTHING).any(axis=0)]
        block = measured.correlation[places[:, :, None], places[:, None, :]]
        absent = places == NOTHING
        block[absent[:, :, None] | absent[:, None, :]] = 0.0
        diagonal = np.arange(places.shape[1])
        block[:, diagonal, diagonal] = 1.0 + ALONE * (diagonal > 1)
        weights = np.linalg.solve(block[:, 2:, 2:], block[:, 2:, :2])
        rest = block[:, :2, :2] - block[:, :2, 2:] @ weights
        own = rest[:, [0, 1], [0, 1]]
        alone = (own > 10 * ALONE).all(axis=1)
        scale = np.sqrt(np.where(alone, own[:, 0] * own[:, 1], 1.0))
        value = np.where(alone, rest[:, 0, 1] / scale, np.nan)
        r[batch] = np.clip(value, ALONE - 1, 1 - ALONE)
    return r


def _rows(measured: Moments, first: Ints, second: Ints, given: Ints) -> Floats:
    """Return the independent instants behind a test: its columns' most gappy pair decides."""
    columns = np.concatenate((first[:, None], second[:, None], given), axis=1)
    behind = measured.rows[columns[:, :, None], columns[:, None, :]]
    absent = columns == NOTHING
    behind[absent[:, :, None] | absent[:, None, :]] = np.inf
    return np.asarray(behind.min(axis=(1, 2)) / measured.inflation[first, second])


def _innovations(lagged: Floats, correlation: Floats) -> Floats:
    """Return what a column's own last ``PAST`` values do not tell of it, shape (rows, columns)."""
    columns, depth = lagged.shape[1:]
    own = np.arange(columns)[:, None] * depth + np.arange(PAST + 1)
    block = correlation[own[:, :, None], own[:, None, :]]
    weights = np.linalg.solve(block[:, 1:, 1:] + ALONE * np.eye(PAST), block[:, 1:, :1])
    told = np.einsum("tcp,cp->tc", lagged[:, :, 1 : PAST + 1], weights[:, :, 0])
    return np.asarray(lagged[:, :, 0] - told)


def _inflation(surprises: Floats) -> Floats:
    """Return Pyper and Peterman's count of instants for one independent one, by pair of columns."""
    instants = len(surprises)
    horizon = instants // 5
    power = np.abs(np.fft.rfft(surprises, 2 * instants, axis=0)) ** 2
    products = np.fft.irfft(power, 2 * instants, axis=0)[: horizon + 1]
    memory = products[1:] / np.where(products[0] > 0, products[0], 1.0)
    total = 1 + 2 * memory.T @ memory  # the products fade with the lag as the formula asks
    return np.asarray(np.clip(total, 1.0, instants))
