"""For libraries that draw from the process's own generators, and talk while they do."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Seed the process's generators for the block, and put them back where they were after it.

    Args:
        seed: Makes the block draw the same each time.
    """
    legacy, builtin = np.random.get_state(), random.getstate()  # noqa: NPY002  (what DoWhy uses)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(legacy)  # noqa: NPY002
        random.setstate(builtin)


@contextmanager
def one_quiet_process(settings: ModuleType) -> Iterator[None]:
    """Keep DoWhy from starting processes and drawing progress bars within the block.

    Args:
        settings: DoWhy's module of that name, which is put back as it was.
    """
    bars, jobs = settings.show_progress_bars, settings.default_n_jobs
    settings.disable_progress_bars()
    settings.set_default_n_jobs(1)
    try:
        yield
    finally:
        (settings.enable_progress_bars if bars else settings.disable_progress_bars)()
        settings.set_default_n_jobs(jobs)
