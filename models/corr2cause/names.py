"""Names for variables, drawn anew for each item, so that no name can carry an answer."""

import re
import string
from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np

from models.vocabulary import METRICS

Style = Literal["letters", "words", "signals", "metrics", "nonsense", "numbered"]

STYLES: Final[tuple[Style, ...]] = get_args(Style)

WORDS: Final = (
    "rainfall", "income", "diet", "sleep", "exercise", "pollution", "altitude", "tax rate",
    "stress", "harvest", "noise", "traffic", "humidity", "prices", "demand", "supply", "mood",
    "age", "blood pressure", "smoking", "caffeine", "screen time", "attendance", "grades",
    "soil quality", "sunlight", "fertilizer", "yield", "temperature", "ice cream sales", "tourism",
    "employment", "rent", "crime", "literacy", "vaccination", "infection", "fever", "cough",
    "road quality", "fuel price", "speed", "accidents", "insurance cost", "wealth", "education",
    "voter turnout", "advertising", "brand trust", "churn", "battery life", "weight", "tree cover",
    "river level", "wind", "waves", "fish stock", "salinity", "erosion", "snow depth",
)  # fmt: skip
METRIC_NAMES: Final = (
    "node_load1", "node_memory_MemAvailable_bytes", "node_disk_io_time_seconds_total",
    "http_requests_total", "http_request_duration_seconds", "container_cpu_usage_seconds_total",
    "kube_pod_restarts", "jvm.gc.duration", "db.client.connections.usage", "redis_evicted_keys",
    "pg_stat_activity_count", "system.cpu.utilization", "system.network.io", "smart_5_raw",
    "smart_197_raw", "ipmi_fan_speed_rpm", "ipmi_temperature_celsius", "hw.fan.speed",
    "windows_cpu_time_total", "windows_logical_disk_free_bytes", "mysql_slow_queries",
    "kafka_consumergroup_lag", "nginx_connections_active", "haproxy_backend_5xx",
    "process.open_fds", "tcp_retransmits", "nf_conntrack_entries", "edac_ce_count",
    "nvidia_gpu_xid", "node_vmstat_oom_kill", "p99_latency_ms", "error_rate", "queue.depth",
)  # fmt: skip
SIGNAL_NAMES: Final = tuple(sorted({name for name, *_ in METRICS}))
WORD_ENDS: Final = re.compile(r"(?<=[^\s_.])(?=[\s_.])|$")
VOWELS: Final = "aeiou"
CONSONANTS: Final = "bdfgklmnprstvz"


def draw_names(style: Style, count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Return ``count`` different names, in random order.

    Args:
        style: What sort of names: "letters" are capitals, "signals" what this project's vocabulary
            calls measurements, "metrics" names as exporters write them, "nonsense" made of
            syllables, "numbered" a stem with numbers.
        count: How many; at most 26.
        rng: Source of chance.
    """
    if style == "nonsense":
        made: dict[str, None] = {}
        while len(made) < count:
            made.setdefault(_syllables(rng))
        return tuple(made)
    if style == "numbered":
        stem = str(rng.choice(["X", "V", "var", "node", "x_", "S"]))
        numbers = rng.permutation(np.arange(1, max(count, 9) + 1))[:count]
        return tuple(f"{stem}{one}" for one in numbers.tolist())
    pool = {
        "letters": tuple(string.ascii_uppercase),
        "words": WORDS,
        "signals": SIGNAL_NAMES,
        "metrics": METRIC_NAMES,
    }[style]
    return tuple(str(pool[i]) for i in rng.choice(len(pool), count, replace=False))


def shortened(names: Sequence[str]) -> tuple[str, ...]:
    """Return of each name the fewest words of its beginning that none of the others begins with.

    Args:
        names: All different; words end at a space, a dot or an underscore.

    Example:
        >>> shortened(("disk read rate", "disk", "node_load1", "node_memory_MemFree", "fan speed"))
        ('disk read', 'disk', 'node_load1', 'node_memory', 'fan')
    """
    beginnings = [_beginnings(name) for name in names]
    return tuple(
        next(
            (
                text
                for text in mine
                if not any(text in theirs for theirs in beginnings if theirs is not mine)
            ),
            name,
        )
        for name, mine in zip(names, beginnings, strict=True)
    )


def _beginnings(name: str) -> list[str]:
    """Return the first word, the first two, and so on to the whole name."""
    return [name[: end.start()] for end in WORD_ENDS.finditer(name)]


def _syllables(rng: np.random.Generator) -> str:
    letters = [
        (CONSONANTS if place % 2 == 0 else VOWELS)[rng.integers(14 if place % 2 == 0 else 5)]
        for place in range(int(rng.integers(4, 7)))
    ]
    return "".join(letters)
