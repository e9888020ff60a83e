import pytest

from diagnose.config import ModelSection
from diagnose.evaluation.variants import BASE, Variants
from diagnose.failure import Failure
from models.causal_lm.entailment import WORDING, Concluded, Structured
from models.causal_lm.prompt import TUNED
from models.causal_lm.questions import Questions
from models.questions.yes_no import YesNo
from models.training.lora import AdaptedModel, AdapterShape
from models.weights import identify
from tests.models.tiny_model import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with two adapters, one for each way to be asked in words."""
    folder = tmp_path_factory.mktemp("lm")
    base = identify(str(save_tiny_model(folder / "tiny")))
    for name, wording in (("edges", TUNED.version), ("premises", WORDING)):
        trained = AdaptedModel(folder / "tiny", AdapterShape(rank=4, first_layer=1))
        card = {"base": base, "wording": wording, "temperature": 1.0}
        trained.save(folder / name / "adapter", card)
    return folder


def section(folder):
    return ModelSection(name=str(folder / "tiny"), device="cpu", cache_dir=folder)


def test_each_adapter_is_asked_in_the_way_that_it_was_trained_for(folder):
    adapters = [folder / name / "adapter" for name in ("edges", "premises")]
    variants = Variants(section(folder), adapters)
    answerers = variants.answerers()
    concluding = "premises reads, the solver concludes"
    assert list(answerers) == [BASE, "edges", "premises"]
    assert isinstance(answerers[BASE], YesNo)
    assert isinstance(answerers["premises"], Structured)
    concluders = variants.concluders()
    assert list(concluders) == [*answerers, concluding]
    solver = concluders[concluding]
    assert isinstance(solver, Concluded)
    assert solver.reader is concluders["premises"]
    readers = variants.readers()
    assert list(readers) == list(variants.scorers()) == [BASE, "edges"]
    assert all(isinstance(reader, Questions) for reader in readers.values())


def test_an_adapter_of_another_model_is_refused(folder, tmp_path):
    other = ModelSection(name=str(save_tiny_model(tmp_path / "other", seed=1)), cache_dir=tmp_path)
    with pytest.raises(Failure, match="trained on another model"):
        Variants(other, [folder / "edges" / "adapter"])
