"""The form in which what acts on what is written down."""

from typing import Literal

# Where the effect lies, seen from the cause: in the same component or in what it runs on or what
# runs on it; in a component that the cause's component calls; in one that calls it.
Place = Literal["same", "called", "caller"]
Lag = Literal["now", "soon", "minutes", "hours"]  # within a step, some steps, many, very many
Row = tuple[str, Place, Lag, str]  # cause, place, lag, signed effects
