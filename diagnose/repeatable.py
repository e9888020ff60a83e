"""Randomness for libraries that draw from the process's own generators."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

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
