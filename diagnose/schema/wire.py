"""How the tables travel in OTLP: what the agent writes and the decoder of pushed OTLP reads back.

Everything else is OpenTelemetry's own: a reading is a data point of a gauge, a log record (a change
event too) is a log record, the host is the resource's ``host.name``. An edge has no word in OTLP:
it travels as a log record whose event name is ``EDGE``, with caller, callee and origin as
attributes. A receiver that knows none of this still gets metrics and logs that it understands.
"""

from typing import Final

ENTITY: Final = "aitia.entity"  # of a resource: the entity, where "host.name" alone is too coarse
PART: Final = "aitia.part"  # of a data point: what follows the first "/" of a signal
EDGE: Final = "aitia.edge"  # event name of a log record that is a row of EDGES
CALLER: Final = "aitia.caller"
CALLEE: Final = "aitia.callee"
ORIGIN: Final = "aitia.origin"
