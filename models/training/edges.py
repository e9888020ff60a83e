"""Stage "edges": questions about pairs of signal kinds, put in words."""

from models.causal_lm.prompt import TUNED
from models.simulator.questions import edge_questions
from models.training.answers import PLACE, text_of
from models.training.objectives import Choice


def edge_choices(step: int, count: int) -> list[Choice]:
    """Return the questions of one step of training, the same for the same step."""
    return [
        Choice(text_of(each, TUNED.templates[0]), PLACE[each.answer])
        for each in edge_questions(step, count, "train")
    ]
