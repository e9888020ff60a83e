"""Improves a policy over causal graphs by what its graphs earn, on simulated incidents.

The simulator gives the incidents, ``diagnose.training.graph_judge`` judges graphs on instants that
chose none, and the policy takes both as what it is given. It begins with what engineers know of
pairs of kinds and the truth of a few incidents. A run that was stopped goes on from its checkpoint.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from diagnose.evaluation.policy_scores import SCORES, compared, policy_scores
from diagnose.schema import Failure
from diagnose.training.graph_judge import GraphJudge
from diagnose.training.run_card import write_card
from models.policy.algorithms import A2c, Learner, Nlpo, Ppo, Rloo, Supervised
from models.policy.checkpoint import resume, save
from models.policy.network import Critic, KindEdges, PairPolicy
from models.policy.reward import GraphReward
from models.policy.rollout import Logits
from models.policy.simulated import Episode, episodes
from models.policy.training import Passes, imitate, learn, remembered
from models.policy.trust_region import Trpo
from models.simulator.questions import edge_questions

Progress = Callable[[int, int], None]

# Rates and bounds were chosen on the development topologies, each way its own.
ALGORITHMS: Final[Mapping[str, Callable[[nn.Module, Logits], Learner]]] = {
    "ppo": lambda policy, before: Ppo(policy, before, 3e-3),
    "rloo": lambda policy, before: Rloo(policy, before, 3e-3),
    "a2c": lambda policy, before: A2c(policy, before, 3e-3, critic=Critic()),
    "trpo": lambda policy, before: Trpo(policy, before, 0.1),
    "nlpo": lambda policy, before: Nlpo(policy, before, 3e-3),
}
BEGUN_RATE: Final = 5e-3
START: Final = "start.safetensors"
CHECKPOINT: Final = "checkpoint.safetensors"
WEIGHTS: Final = "weights.safetensors"
PLACE: Final = {"forward": 0, "backward": 1, "none": 2}  # of an answer among a pair's logits
QUESTIONS: Final = 128  # a step of the beginning
SAVED: Final = 20  # steps between two checkpoints
APART: Final = 10_000  # numbers between the seeds of two runs' incidents


@dataclass(frozen=True, slots=True)
class PolicyAmounts:
    """How much to learn from and to test on.

    Attributes:
        question_steps: Steps of edge questions with which a policy begins.
        begun: Incidents whose truth it begins with.
        train: Incidents to learn from.
        test: Incidents of unseen topologies.
        units: Budget of compute: 1 a forward pass, 2 a backward pass.
    """

    question_steps: int = 300
    begun: int = 60
    train: int = 240
    test: int = 200
    units: int = 3_000


FULL: Final = PolicyAmounts()


def train_policy(
    folder: Path,
    algorithm: str,
    progress: Progress,
    amounts: PolicyAmounts = FULL,
    seed: int = 0,
) -> dict[str, Any]:
    """Improve a policy and return the run card.

    Args:
        folder: Where start, checkpoint, weights and card are written; a run in it that was stopped
            goes on.
        algorithm: A key of ``ALGORITHMS``.
        progress: Told the units of the budget that are spent, and all there are.
        amounts: How much to learn from.
        seed: Of incidents, draws and weights.

    Raises:
        Failure: there is no such algorithm, or the folder holds another run.
    """
    if algorithm not in ALGORITHMS:
        raise Failure(f"no algorithm {algorithm!r}", f"choose among {', '.join(ALGORITHMS)}")
    began = time.monotonic()
    policy = begun(folder / START, amounts, seed)
    learned, unseen = split_episodes(amounts, seed)
    tested = [rewarded(episode) for episode in unseen]
    before = policy_scores(policy, unseen, tested)
    passes = Passes(policy)
    earned = _improve(
        policy, folder / CHECKPOINT, algorithm, learned, passes, progress, amounts, seed
    )
    after = policy_scores(policy, unseen, tested)
    save_file(policy.state_dict(), folder / WEIGHTS)
    return write_card(
        folder,
        {
            "stage": "policy",
            "algorithm": algorithm,
            "seed": seed,
            "amounts": asdict(amounts),
            "data": fingerprint(learned),
            "seconds": round(time.monotonic() - began, 1),
            "units": passes.units,
            "earned": earned,
            "test": {
                name: compared({"before": before[name], "after": after[name]}, "after")
                for name in SCORES
            },
        },
    )


def _improve(
    policy: PairPolicy,
    checkpoint: Path,
    algorithm: str,
    learned: Sequence[Episode],
    passes: Passes,
    progress: Progress,
    amounts: PolicyAmounts,
    seed: int,
) -> list[float]:
    """Learn until the budget is spent; return what the graphs of each step earned on average."""
    learner = ALGORITHMS[algorithm](policy, remembered(policy, [e.incident for e in learned]))
    kept = resume(checkpoint, learner, learner.optimisers)
    if kept.get("algorithm", algorithm) != algorithm:
        raise Failure(f"{checkpoint} is of {kept['algorithm']}", "give another folder")
    passes.units = kept.get("units", passes.units)
    earned: list[float] = kept.get("earned", [])
    rewards = [rewarded(episode) for episode in learned]
    steps = learn(learner, rewards, lambda: passes.units < amounts.units, seed, begin=len(earned))
    for mean in steps:
        earned.append(round(mean, 4))
        progress(min(passes.units, amounts.units), amounts.units)
        if len(earned) % SAVED == 0:
            state = {"algorithm": algorithm, "units": passes.units, "earned": earned}
            save(checkpoint, learner, learner.optimisers, state)
    return earned


def begun(file: Path, amounts: PolicyAmounts, seed: int) -> PairPolicy:
    """Return a policy that has learned edge questions, then the truth of some incidents.

    Args:
        file: Kept there, and read from there when it is there.
        amounts: How much to learn from.
        seed: Of questions, incidents and weights.
    """
    policy = PairPolicy(seed)
    if not file.is_file():
        _answer_questions(policy.kinds, amounts.question_steps, seed)
        known = [(each.incident, each.truth) for each in episodes("train", amounts.begun, seed)]
        left = iter(range(amounts.begun))
        control = Supervised(policy, BEGUN_RATE)
        for _ in imitate(control, known, lambda: next(left, None) is not None, seed):
            pass
        save(file, policy, [], {})
    resume(file, policy, [])
    return policy


def split_episodes(amounts: PolicyAmounts, seed: int) -> tuple[list[Episode], list[Episode]]:
    """Return incidents to learn from and incidents of unseen topologies."""
    first = APART * (seed + 1)
    learned = episodes("train", amounts.train, first, offset=amounts.begun)
    return learned, episodes("test", amounts.test, first)


def rewarded(episode: Episode) -> GraphReward:
    """Return the reward of an incident whose truth is known, judged on later instants."""
    return GraphReward(episode.incident, episode.truth, GraphJudge(episode.window))


def fingerprint(learned: Sequence[Episode]) -> str:
    """Return what changes exactly when the incidents do."""
    content = hashlib.sha256()
    for episode in learned:
        content.update(np.nan_to_num(episode.incident.baseline).tobytes())
        content.update(episode.truth.edges.tobytes())
    return content.hexdigest()


def _answer_questions(kinds: KindEdges, steps: int, seed: int) -> None:
    """Learn what engineers know of pairs of kinds."""
    optimiser = torch.optim.Adam(kinds.parameters(), lr=1e-2)
    questions = edge_questions(seed, steps * QUESTIONS, "train", ("product",))
    for _ in range(steps):
        batch = [next(questions) for _ in range(QUESTIONS)]
        right = torch.tensor([PLACE[each.answer] for each in batch])
        logits = kinds([(each.first, each.second) for each in batch])
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits, right).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
