"""Everything that is measured of the language model, in parts that can be run alone.

Each part yields tables in which the model stands beside chance, rules and peers that saw the same
questions. What a part needs beyond this project (a public set, recorded incidents) is a folder.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from diagnose.compose import compose, limits
from diagnose.config import Settings
from diagnose.evaluation.call_directions import call_tables
from diagnose.evaluation.edge_scores import edge_tables
from diagnose.evaluation.graph_peers import Patience
from diagnose.evaluation.graph_scores import LinkKnower, Size, Way, graph_tables, peers, proposers
from diagnose.evaluation.incident_scores import incident_tables, labelled_sets
from diagnose.evaluation.question_scores import question_tables, read_cladder
from diagnose.evaluation.relation_scores import relation_tables
from diagnose.evaluation.score_table import Progress, ScoreTable
from diagnose.evaluation.speed_scores import speed_table
from diagnose.evaluation.variants import BASE, TUNED_NAME, Variants
from diagnose.failure import Failure
from diagnose.incident.bundle import read_bundle
from diagnose.incident.window import make_window
from diagnose.pipeline import Roles
from models.causal_lm.prompt import TUNED
from models.evidence import ProposalWeights

FULL_WEIGHT: Final = 1.0  # the model's log-odds as it says them, beside the weight that ships
WINDOWS: Final = 10  # bundles of a set whose calls are looked at; most show the same calls


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured, and how much of it.

    Attributes:
        settings: Of the product; ``settings.model`` says which model and where it runs.
        adapters: What training added, beside what ships.
        ask: Whether any language model is asked.
        items: Questions, or incidents, of each table.
        seconds: Time of all language models of a part that they slow down; rows say how many
            items each was asked.
        nodes: Signals of simulated systems.
        samples: Rows of each.
        systems: How many of each size.
        patience: Seconds after which a peer's search is given up.
        cladder: Folder of a public set of questions; None where there is none.
        bundles: Folders of labelled incidents.
    """

    settings: Settings
    adapters: tuple[Path, ...] = ()
    ask: bool = True
    items: int = 60
    seconds: float = 180.0
    nodes: tuple[int, ...] = (20,)
    samples: tuple[int, ...] = (100, 500)
    systems: int = 10
    patience: float = 60.0
    cladder: Path | None = None
    bundles: tuple[Path, ...] = ()


def default_parts(wanted: Wanted) -> tuple[str, ...]:
    """Return what takes minutes and needs no more than is given; speed is measured on demand."""
    found: tuple[str, ...] = ("edges", "relations", "graphs")
    if wanted.cladder is not None:
        found += ("questions",)
    return (*found, "calls", "incidents") if wanted.bundles else found


def measured(part: str, wanted: Wanted, progress: Progress) -> Iterator[ScoreTable]:
    """Yield the tables of one part.

    Args:
        part: Which.
        wanted: How much of it, and of which models.
        progress: Told how much is done.

    Raises:
        Failure: there is no such part, a folder that it needs is not given or is none, or a model
            cannot be loaded.
    """
    if part not in MEASURED:
        raise Failure(f"no part {part!r}", f"choose among {', '.join(MEASURED)}")
    return MEASURED[part](wanted, Variants(wanted.settings.model, wanted.adapters), progress)


def _edges(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    return edge_tables(variants.readers() if wanted.ask else {}, wanted.items, progress)


def _relations(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    models = variants.concluders() if wanted.ask else {}
    return relation_tables(models, wanted.items, wanted.seconds, progress)


def _questions(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    if wanted.cladder is None:
        raise Failure("no questions to ask", "give the folder of CLadder as --cladder")
    models = variants.answerers() if wanted.ask else {}
    asked = read_cladder(wanted.cladder)
    return question_tables(asked, models, wanted.items, wanted.seconds, progress)


def _graphs(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    ways: dict[str, Way] = {}
    if wanted.ask:
        scorers = variants.scorers()
        for weight in (ProposalWeights().model, FULL_WEIGHT):
            ways |= proposers(scorers, weight)
    ways |= proposers({"links known": LinkKnower()}, FULL_WEIGHT)
    sizes = [Size(*each, wanted.systems) for each in product(wanted.nodes, wanted.samples)]
    patience = Patience(wanted.patience)
    try:
        yield from graph_tables(ways, sizes, peers(patience), progress)
    finally:
        patience.close()


def _calls(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    scorers = variants.scorers() | {"links known": LinkKnower()}
    sets = _sets(wanted.bundles, WINDOWS)
    for done, (name, paths) in enumerate(sets.items(), start=1):
        windows = [make_window(read_bundle(path), limits(wanted.settings)) for path in paths]
        yield from call_tables(name, windows, scorers)
        progress(done, len(sets))


def _speed(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    worded = [one for one in variants.adapters.values() if one.wording == TUNED.version]
    device, asked = wanted.settings.model.device, worded[-1] if worded else None
    if variants.shipped is None:
        raise Failure("nothing that ships reads this model's kinds", "leave model.name as it is")
    yield speed_table(variants.folder, variants.shipped, asked, device, progress)


def _incidents(wanted: Wanted, variants: Variants, progress: Progress) -> Iterator[ScoreTable]:
    chosen: dict[str, Mapping[str, object]] = {"no model": {"proposer": "none"}}
    if wanted.ask:
        chosen[BASE] = {"proposer": "local", "adapter": "none"}
        chosen[TUNED_NAME] = {"proposer": "local", "adapter": "shipped"}
    roles = {name: _composed(wanted.settings, changes) for name, changes in chosen.items()}
    sets = _sets(wanted.bundles, wanted.items)
    return incident_tables(sets, roles, limits(wanted.settings), progress)


def _composed(settings: Settings, changes: Mapping[str, object]) -> Callable[[], Roles]:
    model = settings.model.model_copy(update=dict(changes))
    return lambda: compose(settings.model_copy(update={"model": model}))


def _sets(folders: Sequence[Path], count: int) -> dict[str, list[Path]]:
    if not folders:
        raise Failure("no recorded incidents", "give a folder of labelled bundles as --bundles")
    return {
        name: paths for folder in folders for name, paths in labelled_sets(folder, count).items()
    }


MEASURED: Final[Mapping[str, Callable[[Wanted, Variants, Progress], Iterator[ScoreTable]]]] = {
    "edges": _edges,
    "relations": _relations,
    "questions": _questions,
    "graphs": _graphs,
    "calls": _calls,
    "speed": _speed,
    "incidents": _incidents,
}
