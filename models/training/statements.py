"""Stage 0: true sentences about servers beside the same with cause and effect exchanged."""

from models.simulator.statements import causal_statements
from models.training.objectives import Told


def statements(step: int, count: int) -> list[Told]:
    """Return the sentences of one step of training, the same for the same step."""
    return [Told(each.text, each.swapped) for each in causal_statements(step, count)]
