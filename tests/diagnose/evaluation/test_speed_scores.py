import pytest
import torch

from diagnose.evaluation import speed_scores
from diagnose.evaluation.speed_scores import matrix_rate, speed_table
from models.adapters import read_adapter
from models.causal_lm.prompt import KINDS, TUNED
from models.training.lora import AdaptedModel, AdapterShape
from models.training.sites import KindReader
from models.weights import identify
from tests.models.tiny_model import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture
def small(monkeypatch):
    """Ask about few pairs: here it counts that every way is measured, not how fast it is."""
    for name, value in {"UNKNOWN": 4, "JUDGED": 8, "NAIVE": 3, "SQUARE": 64}.items():
        monkeypatch.setattr(speed_scores, name, value)


def test_every_way_is_measured_against_asking_naively(small, tmp_path):
    folder = save_tiny_model(tmp_path / "tiny")
    card = {"base": identify(str(folder)), "temperature": 1.0}
    reader = KindReader(folder, AdapterShape(rank=4, first_layer=0, depth=1))
    reader.save(tmp_path / "kinds", card | {"wording": KINDS, "depth": 1})
    worded = AdaptedModel(folder, AdapterShape(rank=4, first_layer=1))
    worded.save(tmp_path / "words", card | {"wording": TUNED.version})
    told = []
    table = speed_table(
        folder,
        read_adapter(tmp_path / "kinds"),
        read_adapter(tmp_path / "words"),
        "cpu",
        lambda done, of: told.append((done, of)),
    )
    rows = {row.who: row.scores for row in table.rows}
    assert list(rows) == [
        "naive generate()",
        "asked in words, float32",
        "asked in words, bfloat16",
        "asked in words, int8",
        "kinds read, as shipped",
    ]
    naive = rows.pop("naive generate()")[0]
    for who, (*known, share) in rows.items():
        rate, cold, right, times = (score.value for score in known if score)
        assert min(rate, cold) > 0
        assert 0 <= right <= 1
        assert naive is not None
        assert times == pytest.approx(rate / naive.value)
        assert (share is None) == ("int8" in who)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert ("NOT MEASURED on a GPU" in table.title) == (not torch.cuda.is_available())


def test_a_matrix_rate_is_positive():
    assert matrix_rate(torch.device("cpu"), "bfloat16") > 1e6
