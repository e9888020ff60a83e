"""Settings -> roles: who detects, ranks, proposes and judges on this site."""

from functools import partial
from typing import Final

from threadpoolctl import threadpool_limits

from diagnose.advise import advise
from diagnose.associate import associate
from diagnose.attribute import attribute
from diagnose.config import Settings
from diagnose.falsify import falsify
from diagnose.guidance.brief import brief
from diagnose.incident.window import WindowLimits
from diagnose.intervene import counterfactual, intervene
from diagnose.pipeline import Roles, Write
from diagnose.story import tell
from diagnose.topology import read_topology
from models.calibration import SHIPPED
from models.causal_lm.belief import PairScorer
from models.causal_lm.openai import openai_scorer
from models.causal_lm.openai_writer import OpenAiWriter
from models.causal_lm.scorer import local_scorer
from models.causal_lm.writer import local_writer
from models.detector import RobustDetector
from models.proposer import GraphProposer
from models.ranker import MixtureRanker
from models.weights import fetch

# Chance that a healthy window is called an incident, where somebody saw a symptom and asks.
ALERTED: Final = 0.1


def compose(settings: Settings) -> Roles:
    """Return the roles that ``settings`` ask for.

    Raises:
        Failure: the language model cannot be had, or may not be asked.
    """
    return roles(settings, pair_scorer(settings))


def roles(settings: Settings, scorer: PairScorer | None) -> Roles:
    """Return the roles that ``settings`` ask for, with somebody given who answers about pairs.

    Args:
        settings: Of this site.
        scorer: Who is asked about pairs of kinds; None where nobody is.
    """
    # The judges' matrices are small: a second thread waits longer than it computes, the more so on
    # a machine that is in trouble.
    threadpool_limits(1, user_api="blas")
    site = read_topology(settings.explain.topology)

    def proposer(scorer: PairScorer | None) -> GraphProposer:
        return GraphProposer(
            scorer,
            max_nodes=settings.explain.max_nodes,
            required=site.required,
            forbidden=site.forbidden,
        )

    return Roles(
        detector=RobustDetector(ALERTED),
        ranker=MixtureRanker(),
        proposer=proposer(scorer),
        plain_proposer=proposer(None) if scorer else None,
        falsify=falsify,
        attribute=attribute,
        associate=associate,
        intervene=intervene,
        imagine=counterfactual,
        advise=partial(advise, folder=settings.guidance.runbooks, intervene=intervene),
        tell=tell,
        calibration=SHIPPED,
        write=_write(settings),
    )


def _write(settings: Settings) -> Write | None:
    """Return who adds a brief; None where nobody is to."""
    model, remote = settings.model, settings.openai
    if settings.guidance.writer == "local":
        return partial(brief, writer=local_writer(model.name, model.cache_dir, model.device))
    if settings.guidance.writer == "openai" and remote.base_url and remote.model:
        key = remote.api_key.get_secret_value() if remote.api_key else None
        writer = OpenAiWriter(remote.base_url, remote.model, key, settings.allow_egress)
        return partial(brief, writer=writer)
    return None


def limits(settings: Settings) -> WindowLimits:
    """Return how much of a bundle becomes a window."""
    return WindowLimits(
        max_signals=settings.explain.max_signals, max_templates=settings.logs.max_templates
    )


def pair_scorer(settings: Settings) -> PairScorer | None:
    """Return who is asked about pairs of kinds; None where nobody is."""
    model, remote = settings.model, settings.openai
    if model.proposer == "local":
        if settings.allow_egress:
            fetch(model.name)
        return local_scorer(
            model.name,
            model.cache_dir,
            model.device,
            model.max_questions,
            None if model.adapter == "none" else model.adapter,
        )
    if model.proposer == "openai" and remote.base_url and remote.model:
        key = remote.api_key.get_secret_value() if remote.api_key else None
        return openai_scorer(
            remote.base_url,
            remote.model,
            model.cache_dir,
            key,
            settings.allow_egress,
            model.max_questions,
        )
    return None
