"""The language model as it came, as it ships, and with each adapter that somebody trained.

Each is loaded when it is first asked for, and once: the parts of an evaluation share it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from diagnose.config import ModelSection
from models.adapters import SHIPPED, Adapter, read_adapter
from models.causal_lm.belief import PairScorer
from models.causal_lm.entailment import WORDING, Structured
from models.causal_lm.prompt import KINDS, TUNED
from models.causal_lm.scorer import loaded, local_scorer
from models.engine import Engine
from models.questions.yes_no import YesNo
from models.weights import locate

if TYPE_CHECKING:
    from diagnose.lm_items import Model
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
        adapters: Folders of what training added; the shipped adapter is there in any case.

    Raises:
        Failure: an adapter cannot be read, or there is no such model.
    """

    def __init__(self, section: ModelSection, adapters: Sequence[Path] = ()) -> None:
        self.section = section
        self.folder = locate(section.name, section.cache_dir).folder
        self.adapters: Mapping[str, Adapter] = {
            _name(folder): read_adapter(folder) for folder in adapters
        }
        self._engines: dict[str, Engine] = {}

    def answerers(self) -> "dict[str, Model]":
        """Return who answers yes or no: whoever reads whole questions, and not kinds alone."""
        found: dict[str, Model] = {BASE: YesNo(self._engine(BASE, None))}
        for name, adapter in self.adapters.items():
            if adapter.depth is None:
                engine = self._engine(name, adapter)
                found[name] = Structured(engine) if adapter.wording == WORDING else YesNo(engine)
        return found

    def readers(self) -> "dict[str, Encoder | Questions]":
        """Return who can be asked about any pair of kinds, of whatever vocabulary."""
        device = self.section.device
        shipped = loaded(self.folder, read_adapter(SHIPPED), device)
        found = {BASE: loaded(self.folder, None, device), TUNED_NAME: shipped}
        for name, adapter in self.adapters.items():
            if adapter.wording in ABOUT_PAIRS:
                found[name] = loaded(self.folder, adapter, device)
        return found

    def scorers(self) -> dict[str, PairScorer]:
        """Return who has beliefs about pairs of the product's own kinds, each kept in its table.

        The model as it came is asked in words, which is slow: of as many unknown pairs a time as
        the product would ask about.
        """
        section = self.section
        most = {BASE: section.max_questions}
        chosen = {BASE: None, TUNED_NAME: SHIPPED} | {
            name: adapter.folder
            for name, adapter in self.adapters.items()
            if adapter.wording in ABOUT_PAIRS
        }
        return {
            name: local_scorer(
                section.name,
                section.cache_dir,
                section.device,
                most.get(name, EVERY_PAIR),
                folder,
            )
            for name, folder in chosen.items()
        }

    def _engine(self, name: str, adapter: Adapter | None) -> Engine:
        if name not in self._engines:
            self._engines[name] = Engine(self.folder, self.section.device, adapter=adapter)
        return self._engines[name]


def _name(folder: Path) -> str:
    """Return what a row calls an adapter: 'aitia train lm' calls every one of its folders alike."""
    here = folder.resolve()
    return here.parent.name if here.name == SHIPPED.name else here.name
