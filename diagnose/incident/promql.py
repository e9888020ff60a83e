"""What an alert's PromQL expression says about its symptom: what is compared, and which series.

Of ``sum by (le) (rate(latency_bucket{job="web"}[5m])) > 0.5`` the sum is what is compared, and
``latency_bucket{job="web"}`` are the series.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import promql_parser as promql

from collectors.prometheus import quoted

COMPARISONS: Final = {"==", "!=", ">", "<", ">=", "<="}
SETS: Final = {"and", "or", "unless"}
OPERATORS: Final = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
COUNTED: Final = {"rate", "irate", "increase", "delta", "idelta", "deriv"}
# What a histogram's or counter's series are called beyond the name of what they measure.
ENDINGS: Final = ("_bucket", "_count", "_sum", "_total")


@dataclass(frozen=True, slots=True)
class Compared:
    """What an alerting rule compares with a limit.

    Attributes:
        value: PromQL of it: what must be drawn to see the symptom.
        metric: Name of the first series in it; "" where none is named.
        selector: PromQL of the first series in it, without offset.
        equal: Labels that the first series must have.
        plain: Whether it is that series itself, or its rate: nothing added up or divided.
        absence: Whether it is that nothing is there.
    """

    value: str
    metric: str
    selector: str
    equal: Mapping[str, str]
    plain: bool
    absence: bool

    @property
    def stem(self) -> str:
        """Return the metric's name without what a counter or a histogram adds to it."""
        ending = next((end for end in ENDINGS if self.metric.endswith(end)), "")
        return self.metric.removesuffix(ending)


def compared(expression: str) -> Compared | None:
    """Return what ``expression`` compares; None where it is no PromQL or names no series.

    Of several conditions the first counts, of a comparison the side that holds series. Without a
    comparison the expression itself is what is compared.

    Example:
        >>> compared('100 < 2 * rate(errors_total{job="web"}[1m]) and on() up == 1').value
        '2 * rate(errors_total{job="web"}[1m])'
    """
    try:
        value = _side(promql.parse(expression))
    except ValueError:
        return None
    found = next(_selectors(value), None)
    if found is None:
        return None
    matchers = [(m.name, m.op, m.value) for m in found.matchers.matchers]
    equal = {name: text for name, op, text in matchers if op == promql.MatchOp.Equal}
    inner = _unwrapped(value)
    return Compared(
        value.prettify(),
        found.name or equal.get("__name__", ""),
        _bare(found),
        {name: text for name, text in equal.items() if name != "__name__"},
        isinstance(inner, promql.VectorSelector),
        isinstance(inner, promql.Call) and inner.func.name.startswith("absent"),
    )


def _side(expression: promql.Expr) -> promql.Expr:
    """Return the side of a comparison, or of the first of several conditions, that is watched."""
    if isinstance(expression, promql.ParenExpr):
        return _side(expression.expr)
    if isinstance(expression, promql.BinaryExpr):
        operator = str(expression.op)
        if operator in SETS:
            return _side(expression.lhs)
        if operator in COMPARISONS:
            held = next(_selectors(expression.lhs), None)
            return _side(expression.lhs if held else expression.rhs)
    return expression


def _unwrapped(expression: promql.Expr) -> promql.Expr:
    """Return what stands within parentheses and rates."""
    while True:
        if isinstance(expression, promql.ParenExpr):
            expression = expression.expr
        elif isinstance(expression, promql.MatrixSelector):
            expression = expression.vector_selector
        elif isinstance(expression, promql.Call) and expression.func.name in COUNTED:
            expression = expression.args[0]
        else:
            return expression


def _selectors(expression: promql.Expr) -> Iterator[promql.VectorSelector]:
    """Yield the series that an expression reads, in the order in which they are written."""
    found: list[promql.VectorSelector] = []

    def visit(part: promql.Expr) -> bool:
        if isinstance(part, promql.VectorSelector):
            found.append(part)
        return True

    promql.walk(expression, visit)
    yield from found


def _bare(selector: promql.VectorSelector) -> str:
    """Return a selector's PromQL without offset and moment."""
    said = [
        f"{matcher.name}{OPERATORS[str(matcher.op)]}{quoted(matcher.value)}"
        for matcher in selector.matchers.matchers
    ]
    return f"{selector.name or ''}{{{','.join(said)}}}"
