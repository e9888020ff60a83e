"""Ways to improve a policy over graphs, at equal compute: python -m tests.bench.policy FOLDER.

All begin with the same policy and have the same budget of passes. The control copies the truth of
the same incidents, in the same order. Scores are of likeliest graphs on unseen topologies, over
several seeds of everything; intervals resample topologies, of which each seed has the same.
"""

import argparse
import copy
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from diagnose.evaluation.accuracy import difference, estimate
from diagnose.evaluation.policy_scores import SCORES, Floats, policy_scores
from diagnose.training.policy import ALGORITHMS, FULL, begun, rewarded, split_episodes
from diagnose.training.preferences import MODEL, train_reward
from models.policy.algorithms import Supervised
from models.policy.preferences import LearnedReward, RewardModel
from models.policy.reward import GraphReward
from models.policy.rollout import Reward
from models.policy.simulated import Episode
from models.policy.training import Passes, imitate, learn, remembered
from tests.bench.markdown import interval, signed, table

CONTROL_RATE = 3e-3
CONTROL = "control: copies the truth"
BEGUN = "as they begin"
CREDITED = "rloo, credit by edge"
BLIND = "rloo, no truth in the reward"
AFTER = "ppo, after the control for half the budget"
TASTE = "ppo, a reward model in place of the truth"
WAYS = (CONTROL, *ALGORITHMS, CREDITED, BLIND, TASTE, AFTER)
HEAD = ("way", "reward", "distance", "F1", "1 / place of the root cause", "F1 less the control's")


def improved(
    way: str,
    policy: nn.Module,
    learned: Sequence[Episode],
    rewards: Sequence[GraphReward],
    seed: int,
    units: int,
    taste: RewardModel,
) -> None:
    """Improve ``policy`` in one way until ``units`` of compute are spent."""
    passes = Passes(policy)
    if way in (CONTROL, AFTER):
        share = units // 2 if way == AFTER else units
        examples = [(episode.incident, episode.truth) for episode in learned]
        control = Supervised(policy, CONTROL_RATE)
        for _ in imitate(control, examples, lambda: passes.units < share, seed):
            pass
    if way != CONTROL:
        earned: Sequence[Reward] = rewards
        if way == BLIND:
            earned = [GraphReward(known.incident, None, known.judge) for known in rewards]
        elif way == TASTE:
            earned = [LearnedReward(taste, known.incident) for known in rewards]
        credits = [known.credit for known in rewards] if way == CREDITED else None
        before = remembered(policy, [episode.incident for episode in learned])
        learner = ALGORITHMS[way.split(",")[0]](policy, before)
        for _ in learn(learner, earned, lambda: passes.units < units, seed, credits=credits):
            pass


def taste_in(folder: Path) -> RewardModel:
    """Return the reward model in ``folder``, learned there if it is not."""
    if not (folder / MODEL).is_file():
        train_reward(folder, lambda done, of: None)
    model = RewardModel()
    model.load_state_dict(load_file(folder / MODEL))
    return model


def measured(
    folder: Path, seed: int, units: int, ways: Sequence[str]
) -> Iterator[tuple[str, dict[str, Floats]]]:
    """Yield each way's scores by incident of unseen topologies."""
    policy = begun(folder / f"start-{seed}.safetensors", FULL, seed)
    learned, unseen = split_episodes(FULL, seed)
    rewards = [rewarded(episode) for episode in learned]
    tested = [rewarded(episode) for episode in unseen]
    taste = taste_in(folder / "reward-0")
    for way in (BEGUN, *ways):
        fresh = copy.deepcopy(policy)
        began = time.process_time()
        if way != BEGUN:
            improved(way, fresh, learned, rewards, seed, units, taste)
        sys.stderr.write(f"seed {seed}, {way}: {time.process_time() - began:.0f} s\n")
        yield way, policy_scores(fresh, unseen, tested)


def rows(found: Mapping[str, Sequence[dict[str, Floats]]]) -> Iterator[list[str]]:
    """Yield a row a way: means over seeds by topology, and how far it is from the control."""
    means = {
        way: {name: np.mean([one[name] for one in seeds], axis=0) for name in SCORES}
        for way, seeds in found.items()
    }
    for way, scores in means.items():
        cells = [interval(estimate(scores[name])) for name in SCORES]
        apart = difference(scores["f1"], means[CONTROL]["f1"])
        yield [way, *cells, "" if way == CONTROL else signed(apart)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where starting points are kept")
    parser.add_argument("--units", type=int, default=1_500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--way", choices=WAYS, help="only this one, beside the control")
    given = parser.parse_args()
    torch.set_num_threads(1)
    ways = (CONTROL, given.way) if given.way else WAYS
    found: dict[str, list[dict[str, Floats]]] = {}
    for seed in range(given.seeds):
        for way, scores in measured(given.folder, seed, given.units, ways):
            found.setdefault(way, []).append(scores)
    sys.stdout.writelines(f"{line}\n" for line in table(HEAD, list(rows(found))))


if __name__ == "__main__":
    main()
