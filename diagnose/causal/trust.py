"""From a graph's violations to its trust: a weight from 0 to 1, and never a switch."""

from dataclasses import dataclass

from scipy.special import bdtrc

from diagnose.schema import Verdict


@dataclass(frozen=True, slots=True)
class MarkovFit:
    """How a graph's implied independences fared, beside those of its relabellings.

    Attributes:
        claims: Independences that the graph implies.
        tests: Those that could be tested.
        denied: Those that the data deny.
        null_violated: Share denied of the median relabelling's; None where none was testable.
        p_value: Share of relabellings whose denied share is no larger.
        equivalent: Share of relabellings that imply the same as the graph.
        level: P-value up to which a test denies.
    """

    claims: int = 0
    tests: int = 0
    denied: int = 0
    null_violated: float | None = None
    p_value: float | None = None
    equivalent: float = 0.0
    level: float = 0.05

    @property
    def violated(self) -> float | None:
        """Return the denied share of what could be tested; None where nothing could."""
        return self.denied / self.tests if self.tests else None

    def verdict(self, alpha: float) -> Verdict:
        """Return whether the graph beats its relabellings.

        Refuted is a graph that does not, though tests could have told, and of which more is denied
        than tests of a true graph deny by mistake. Anything between is untestable.
        """
        if self.p_value is None or self.equivalent > alpha:
            return "untestable"
        if self.p_value <= alpha:
            return "supported"
        by_mistake = bdtrc(self.denied - 1, self.tests, self.level) if self.denied else 1.0
        return "refuted" if by_mistake <= alpha else "untestable"


@dataclass(frozen=True, slots=True)
class TrustCurve:
    """How trust follows from the tests; to be fitted on incidents whose cause is known.

    trust = shown + (1 - shown) * known * given * (1 - violated), where what the tests have shown is
    shown = kept ** sharpness * informed * luck * enough * (1 - refuted) ** edges, each factor 0..1:

    - kept = 1 - (violated - noise) / (null - noise): how far the violated share lies below the
      median relabelling's, from the share that tests of a true graph violate by mistake;
    - informed = 1 - noise / null: whether the data deny a wrong graph anything;
    - luck = 1 - p / chance: p is the share of relabellings that are violated no more;
    - enough = tests / (claims + few), less the share of relabellings that imply the same;
    - refuted: share of the judged edges that were refuted;
    - given: share of the edges whose direction is known, from who calls whom or from an operator.
      An error counter that was 0 all day can be tested on nothing; who calls whom is known still.

    Attributes:
        sharpness: Larger distrusts graphs that are partly right more.
        noise: Violated share that means nothing: tests err that often.
        chance: ``p`` at which a graph is no better than a random relabelling.
        few: Tests that count for little.
        edges: How much refuted edges weigh.
        known: Trust of a graph of known edges alone of which nothing could be tested.
    """

    sharpness: float = 1.5
    noise: float = 0.05
    chance: float = 0.5
    few: float = 2.0
    edges: float = 1.0
    known: float = 0.7

    def trust(self, fit: MarkovFit, refuted: float, given: float = 0.0) -> float:
        """Return the weight of a graph, 0..1.

        Args:
            fit: How the whole graph fared.
            refuted: Share of the judged edges that were refuted.
            given: Share of the edges that are known and were not refuted.
        """
        shown = self.shown(fit, refuted)
        return shown + (1 - shown) * self.known * given * (1 - (fit.violated or 0.0))

    def shown(self, fit: MarkovFit, refuted: float) -> float:
        """Return what the tests alone say, 0..1; 0 where no better than the relabellings."""
        violated, null, p = fit.violated, fit.null_violated, fit.p_value
        if violated is None or null is None or p is None:
            return 0.0
        if null <= max(violated, self.noise) or p >= self.chance:
            return 0.0
        kept = 1 - max(violated - self.noise, 0.0) / (null - self.noise)
        informed = 1 - self.noise / null
        luck = 1 - p / self.chance
        enough = fit.tests / (fit.claims + self.few) * (1 - fit.equivalent)
        shown = kept**self.sharpness * informed * luck * enough * (1 - refuted) ** self.edges
        return float(shown)
