"""The packaged base model itself, from its file to a belief."""

from importlib.resources import files

import numpy as np
import pytest

from models.adapters import SHIPPED, read_adapter
from models.causal_lm.answers import TABLE, decode
from models.causal_lm.build import all_pairs
from models.causal_lm.scorer import local_scorer
from models.weights import identify

PAIRS = all_pairs()[::9000]


def test_the_shipped_table_is_the_shipped_adapters_and_small():
    shipped = files("models.causal_lm") / TABLE
    adapter = read_adapter(SHIPPED)
    answers = decode(shipped.read_text(encoding="utf-8"), adapter.identity, adapter.wording)
    assert len(answers) == len(all_pairs())
    assert len(shipped.read_bytes()) < 29 * len(answers)
    assert adapter.base == identify()


@pytest.mark.slow
def test_the_shipped_model_gives_the_shipped_answers(tmp_path):
    scorer = local_scorer(cache=tmp_path, device="cpu")
    asked = scorer.ask(PAIRS)
    for pair in PAIRS:
        shipped, now = scorer.answers.get(pair), asked[pair]
        assert shipped is not None
        assert np.allclose(
            (now.forward, now.backward, now.none),
            (shipped.forward, shipped.backward, shipped.none),
            atol=0.3,  # in bfloat16, which processors round each in its own way
        )
