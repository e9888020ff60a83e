"""Log line -> template: the constant part of a message, found online with Drain.

Masks come first and run vectorised over a whole batch: numbers, addresses, identifiers and times
become marks, so that a million lines leave a few hundred distinct ones for Drain's tree.

Reference: He, Zhu, Zheng, Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree",
ICWS 2017 (the package drain3-improved).
"""

from collections.abc import Iterable
from typing import Final

import polars as pl
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

READ: Final = 4096  # characters of a line that are looked at
LINE: Final = 512  # characters of a masked line that count: what distinguishes comes early
NAME: Final = 120  # characters of a template that name it
UNPARSED: Final = "<other>"
EMPTY: Final = "<empty>"
# An identifier in hexadecimal: six characters or more, and letters mix with digits.
MIXED: Final = "|".join(
    f"[a-f]{{{k}}}[0-9][0-9a-f]{{{least}}}|[0-9]{{{k}}}[a-f][0-9a-f]{{{least}}}"
    for k, least in (("1", "4,"), ("2", "3,"), ("3", "2,"), ("4", "1,"), ("5,", "0,"))
)
# Rust's regular expressions, in order; each is replaced by its mark.
MASKS: Final = (
    (r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)", ""),  # what a terminal obeys
    (r"[\p{Cc}\p{Cf}\s]+", " "),  # control characters, bidi marks, line breaks
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
    (r"\b\d\d:\d\d:\d\d([.,]\d+)?\b", "<time>"),
    (r"\b[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b(\d{1,3}\.){3}\d{1,3}(:\d+)?\b", "<ip>"),
    (r"\b([0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b", "<ip>"),
    (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
    (rf"\b(?i:{MIXED})\b", "<hex>"),
    (r'"[^"]*"', "<text>"),
    (r"(^|[\s=:(\[,])'[^']*'", "${1}<text>"),
    (r"[-+]?\b\d+([.,]\d+)*", "<n>"),
)


class TemplateParser:
    """Give each masked line its template; the state is bounded and lives in memory only.

    Args:
        max_templates: Templates to remember; the least recently used are forgotten first.
    """

    def __init__(self, max_templates: int = 1000) -> None:
        self.max_templates = max_templates
        config = TemplateMinerConfig()
        config.drain_max_clusters = max_templates
        config.drain_sim_th = 0.5
        config.parametrize_numeric_tokens = False  # the masks have done it
        self._miner = TemplateMiner(config=config)
        self._cluster: dict[str, int] = {}

    def learn(self, lines: Iterable[str]) -> None:
        """Learn distinct masked ``lines``, in an order that the caller keeps reproducible."""
        for line in lines:
            if line not in self._cluster:
                self._cluster[line] = int(self._miner.add_log_message(line)["cluster_id"])

    def templates(self) -> dict[str, str]:
        """Return the template of each learned line, as it stands after all lines were seen."""
        clusters = self._miner.drain.clusters
        text: dict[int, str] = {c.cluster_id: c.get_template()[:NAME] for c in clusters}
        return {line: text.get(cluster, UNPARSED) for line, cluster in self._cluster.items()}


def masked(body: pl.Expr) -> pl.Expr:
    """Return ``body`` with its variable parts replaced by marks, cut to ``LINE`` characters."""
    line = body.fill_null("").str.slice(0, READ)
    for pattern, mark in MASKS:
        line = line.str.replace_all(pattern, mark)
    line = line.str.slice(0, LINE).str.strip_chars()
    return pl.when(line == "").then(pl.lit(EMPTY)).otherwise(line)
