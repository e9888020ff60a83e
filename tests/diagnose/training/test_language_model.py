import pytest
import torch

from diagnose.training.language_model import ADAPTER, LOWER, Run, run
from models.adapters import read_adapter
from models.training.sites import KindReader
from tests.models.tiny_model import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def test_sentences_can_teach_the_layers_that_read_kinds(tmp_path):
    folder = save_tiny_model(tmp_path / "tiny")
    wanted = Run("statements", tmp_path / "run", 5, steps=2, model=str(folder), lower=True)
    list(run(wanted))
    assert read_adapter(tmp_path / "run" / ADAPTER).depth is None
    fresh, taught = (KindReader(folder, LOWER) for _ in range(2))
    taught.begin_with(tmp_path / "run" / ADAPTER)
    texts = ["fan speed (rpm, hardware)"]
    assert not torch.equal(fresh.vectors(texts), taught.vectors(texts))
    assert all(map(torch.equal, fresh.head.parameters(), taught.head.parameters()))
