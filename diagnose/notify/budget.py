"""The noise budget: what pages, what is a ticket, what waits for the digest."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from diagnose.notify.notice import Notice, Route
from diagnose.settings.notify import NotifySection

Muted = Callable[[Notice, Route], bool]

WEEK: Final = timedelta(days=7)
REPEAT: Final = timedelta(days=1)  # what comes back within it has paged already
HOUR: Final = 3600.0
RANK: Final[Mapping[Route, int]] = {"held": 0, "digest": 1, "ticket": 2, "page": 3}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the site wants to be woken for.

    Attributes:
        pages_per_week: Pages that a group may get within any seven days.
        of_group: The same for single groups.
        page_within_seconds: Lead time up to which something may page.
        page_probability: Least probability that may page.
        ticket_within_seconds: Lead time up to which something is a ticket.
        costs: Of a failure, by its name; 1 for one that is not named.
    """

    pages_per_week: int
    of_group: Mapping[str, int]
    page_within_seconds: float
    page_probability: float
    ticket_within_seconds: float
    costs: Mapping[str, float]

    @classmethod
    def of(cls, section: NotifySection) -> Self:
        """Return the policy that the settings ask for."""
        return cls(
            section.pages_per_week,
            section.group_pages_per_week,
            section.page_within_hours * HOUR,
            section.page_probability,
            section.ticket_within_hours * HOUR,
            section.costs,
        )

    def budget(self, group: str) -> int:
        """Return how many pages ``group`` may get within any seven days."""
        return self.of_group.get(group, self.pages_per_week)

    def expected_loss(self, notice: Notice) -> float:
        """Return probability times cost, in the unit of the costs."""
        return notice.probability * self.costs.get(notice.failure, 1.0)

    def may_page(self, notice: Notice) -> bool:
        """Return whether a notice is sure and near enough to wake somebody."""
        return (
            notice.calibration == "calibrated"
            and not notice.alerted
            and notice.probability >= self.page_probability
            and notice.lead_time_seconds <= self.page_within_seconds
        )

    def without_page(self, notice: Notice) -> Route:
        """Return what becomes of a notice that does not page."""
        return "ticket" if notice.lead_time_seconds <= self.ticket_within_seconds else "digest"


@dataclass(frozen=True, slots=True)
class Asked:
    """A notice that a round is to decide on.

    Attributes:
        notice: As it was just seen.
        route: How it is told of so far; "held" where it is not.
        paged_lately: Whether the same thing paged within the last day.
    """

    notice: Notice
    route: Route
    paged_lately: bool


def decided(
    asked: Mapping[str, Asked], policy: Policy, left: int, muted: Muted
) -> Mapping[str, Route]:
    """Return how each notice is told of from now on; none falls back to a quieter way.

    Args:
        asked: By key.
        policy: What the site wants.
        left: Pages that the budget of the group still has.
        muted: Whether people have silenced a notice that would be told of in a given way.
    """
    losses = [
        (key, policy.expected_loss(one.notice))
        for key, one in asked.items()
        if one.route != "page" and not one.paged_lately and policy.may_page(one.notice)
        if not muted(one.notice, "page")
    ]
    pages = chosen(losses, left)
    routes: dict[str, Route] = {}
    for key, one in asked.items():
        wanted = "page" if key in pages else policy.without_page(one.notice)
        louder = RANK[wanted] > RANK[one.route] and not muted(one.notice, wanted)
        routes[key] = wanted if louder else one.route
    return routes


def chosen(losses: Iterable[tuple[str, float]], left: int) -> frozenset[str]:
    """Return whom ``left`` pages are given to: the largest expected losses.

    Args:
        losses: Key and expected loss of each notice that may page.
        left: Pages that the budget still has.

    Example:
        >>> sorted(chosen([("a", 1.0), ("b", 3.0), ("c", 2.0)], 2))
        ['b', 'c']
    """
    ranked = sorted(losses, key=lambda one: (-one[1], one[0]))
    return frozenset(key for key, _ in ranked[: max(left, 0)])
