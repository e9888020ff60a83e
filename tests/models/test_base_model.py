"""The packaged base model itself, from its file to a belief."""

from importlib.resources import files

import numpy as np
import pytest

from models.causal_lm.answers import TABLE, AnswerTable, decode
from models.causal_lm.build import all_pairs
from models.causal_lm.prompt import UNTUNED
from models.causal_lm.scorer import LocalScorer
from models.engine import Engine
from models.weights import identify, locate

PAIRS = all_pairs()[:3]


def test_the_shipped_table_is_the_base_models_and_small():
    shipped = files("models.causal_lm") / TABLE
    answers = decode(shipped.read_text(encoding="utf-8"), identify(), UNTUNED.version)
    assert len(answers) >= 2000
    assert len(shipped.read_bytes()) < 1_000_000


@pytest.mark.slow
def test_the_base_model_gives_the_shipped_answers(tmp_path):
    engine = Engine(locate(cache=tmp_path).folder, device="cpu", precision="float32")
    table = AnswerTable(identify(), None)
    asked = LocalScorer(lambda: engine, table).ask(PAIRS)
    for pair in PAIRS:
        shipped, now = table.get(pair), asked[pair]
        assert shipped is not None
        assert np.allclose(
            (now.forward, now.backward, now.none),
            (shipped.forward, shipped.backward, shipped.none),
            atol=0.05,  # two decimals are kept, and processors differ in the last bits
        )
