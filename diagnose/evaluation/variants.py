"""The language model as it came, as it ships, and with each adapter that somebody trained.

Each is loaded when it is first asked for, and once: the parts of an evaluation share it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from diagnose.config import ModelSection
from diagnose.failure import Failure
from models.adapters import SHIPPED, Adapter, read_adapter
from models.causal_lm.belief import PairScorer
from models.causal_lm.entailment import WORDING, Concluded, Structured
from models.causal_lm.prompt import KINDS, TUNED
from models.causal_lm.scorer import adapter_of, loaded, local_scorer
from models.engine import Engine
from models.questions.yes_no import YesNo
from models.weights import locate

if TYPE_CHECKING:
    from diagnose.evaluation.items import Model
    from models.causal_lm.encoder import Encoder
    from models.causal_lm.questions import Questions

BASE: Final = "model as it came"
TUNED_NAME: Final = "as shipped"
EVERY_PAIR: Final = 100_000
ABOUT_PAIRS: Final = (TUNED.version, KINDS)  # wordings of adapters that can be asked about pairs


class Variants:
    """Variants of one model, by name.

    Args:
        section: Which model, and where it runs.
        adapters: Folders of what training added, beside the shipped adapter.

    Attributes:
        folder: Of the model.
        shipped: The adapter that ships; None where it is another model's.
        adapters: The others, by name.

    Raises:
        Failure: an adapter cannot be read or is another model's, or there is no such model.
    """

    def __init__(self, section: ModelSection, adapters: Sequence[Path] = ()) -> None:
        self.section = section
        found = locate(section.name, section.cache_dir)
        self.folder = found.folder
        self.shipped = adapter_of(found.identity, "shipped")
        self.adapters: Mapping[str, Adapter] = {
            _name(folder): _checked(read_adapter(folder), found.identity) for folder in adapters
        }
        self._engines: dict[str, Engine] = {}

    def answerers(self) -> "dict[str, Model]":
        """Return who answers yes or no: whoever reads whole questions, and not kinds alone."""
        found: dict[str, Model] = {BASE: YesNo(self._engine(BASE, None))}
        for name, adapter in self.adapters.items():
            if adapter.depth is None:
                engine = self._engine(name, adapter)
                found[name] = (Structured if adapter.wording == WORDING else YesNo)(engine)
        return found

    def concluders(self) -> "dict[str, Model]":
        """Return who tells what follows from premises: who answers, or reads for the solver."""
        found: dict[str, Model] = {}
        for name, model in self.answerers().items():
            found[name] = model
            if isinstance(model, Structured):
                found[f"{name} reads, the solver concludes"] = Concluded(model)
        return found

    def readers(self) -> "dict[str, Encoder | Questions]":
        """Return who can be asked about any pair of kinds, of whatever vocabulary."""
        return {
            name: loaded(self.folder, adapter, self.section.device)
            for name, adapter in self._about_pairs().items()
        }

    def scorers(self) -> dict[str, PairScorer]:
        """Return who has beliefs about pairs of the product's own kinds, each kept in its table.

        The model as it came is asked in words, which is slow: of as many unknown pairs a time as
        the product would ask about.
        """
        section = self.section
        return {
            name: local_scorer(
                section.name,
                section.cache_dir,
                section.device,
                EVERY_PAIR if adapter else section.max_questions,
                adapter.folder if adapter else None,
            )
            for name, adapter in self._about_pairs().items()
        }

    def _about_pairs(self) -> dict[str, Adapter | None]:
        """Return whose wording is about pairs; None stands for no adapter."""
        found: dict[str, Adapter | None] = {BASE: None}
        if self.shipped is not None:
            found[TUNED_NAME] = self.shipped
        return found | {
            name: adapter
            for name, adapter in self.adapters.items()
            if adapter.wording in ABOUT_PAIRS
        }

    def _engine(self, name: str, adapter: Adapter | None) -> Engine:
        if name not in self._engines:
            self._engines[name] = Engine(self.folder, self.section.device, adapter=adapter)
        return self._engines[name]


def _checked(adapter: Adapter, base: str) -> Adapter:
    if adapter.base != base:
        what = f"the adapter in {adapter.folder} was trained on another model"
        raise Failure(what, "name the model that it was trained on as model.name")
    return adapter


def _name(folder: Path) -> str:
    """Return what a row calls an adapter: 'aitia train lm' calls every one of its folders alike."""
    here = folder.resolve()
    return here.parent.name if here.name == SHIPPED.name else here.name
