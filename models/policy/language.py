"""The language model as a policy: the logits of its three answers, with a gradient."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from models.causal_lm.belief import Pair
from models.causal_lm.prompt import ANSWERS, TUNED, described, prompts
from models.kinds import canonical
from models.training.lora import AdaptedModel
from models.training.objectives import ChoosesAnswer
from models.training.sites import HeadAlone

TURNED = [1, 0, 2]  # the same answers where the two kinds have changed places


class LanguagePairs(nn.Module):
    """Logits of pairs of kinds, asked in both orders as the product asks them.

    Args:
        model: With the adapter that learns; its parameters become this module's.
    """

    def __init__(self, model: AdaptedModel) -> None:
        super().__init__()
        self.adapted = model
        self.learning = nn.ParameterList(model.parameters.values())
        self._choose = ChoosesAnswer(ANSWERS)

    def forward(self, pairs: Sequence[Pair]) -> Tensor:
        """Return the mean log-probability of each answer over both orders, of shape (pairs, 3).

        Raises:
            ValueError: a kind is not of the fixed vocabulary, so its words may be anybody's.
        """
        asked = [question for pair in pairs for question in prompts(pair, TUNED)]
        said = self._choose.logits(self.adapted, asked).log_softmax(dim=1)
        straight, turned = said[0::2], said[1::2][:, TURNED]
        return (straight + turned) / 2


class KindPairs(nn.Module):
    """Logits of pairs of kinds, each read once; only the head that weighs them learns.

    Args:
        reader: With the adapter and the head to begin with.
    """

    def __init__(self, reader: HeadAlone) -> None:
        super().__init__()
        self.reader = reader
        self.learning = nn.ParameterList(reader.parameters.values())
        reader.learning(False)  # nothing is dropped: what nobody spoke of must stay as it is

    def forward(self, pairs: Sequence[Pair]) -> Tensor:
        """Return the logits of each answer, of shape (pairs, 3).

        Raises:
            ValueError: a kind is not of the fixed vocabulary, so its words may be anybody's.
        """
        kinds = list(dict.fromkeys(canonical(kind) for pair in pairs for kind in pair))
        place = {kind: i for i, kind in enumerate(kinds)}
        first, second = (np.array([place[canonical(pair[i])] for pair in pairs]) for i in (0, 1))
        return self.reader.logits([described(kind) for kind in kinds], first, second)
