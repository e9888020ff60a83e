"""Tables as Markdown text."""

from collections.abc import Iterable, Iterator, Sequence

from diagnose.evaluation.accuracy import Estimate


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table and an empty one."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def interval(estimate: Estimate | None) -> str:
    """Return a value with its 95 % interval."""
    if estimate is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def signed(estimate: Estimate | None) -> str:
    """Return a difference with its 95 % interval, in bold where that holds no 0."""
    if estimate is None:
        return "-"
    text = f"{estimate.value:+.2f} [{estimate.low:+.2f}, {estimate.high:+.2f}]"
    return f"**{text}**" if estimate.low > 0 or estimate.high < 0 else text
