"""A real Prometheus that keeps an hour of a few hosts, as it would have scraped them."""

import json
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import numpy as np

from tests.programs import LOCAL, free_port, needed, started, wait_until

MOMENT = datetime(2026, 3, 1, 13, 20, tzinfo=UTC)
STEP = 15
STEPS = 250
BROKEN = 30  # steps before the end, since which what is broken is
CALM, FULL, ILL, DEAD, GONE = "web1", "db1", "web2", "web3", "web4"
HOSTS = (CALM, FULL, ILL, DEAD, GONE)
GIBIBYTE = 2**30


def samples(host, seed):
    """Yield (series, values), one value a step, NaN where nothing was scraped, the newest last."""
    rng = np.random.default_rng(seed)
    late = np.arange(STEPS) >= STEPS - BROKEN
    node, shop = f'job="node",instance="{host}:9100"', f'job="shop",instance="{host}:8080"'
    silent = np.where(late & (host in (DEAD, GONE)), np.nan, 1.0)
    answers = np.where(late & (host == DEAD), 0.0, 1.0)
    answers[late & (host == GONE)] = np.nan
    yield f"up{{{node}}}", answers
    yield f"up{{{shop}}}", answers
    load = 50 + np.cumsum(rng.normal(size=STEPS)) * 0.1 + rng.normal(size=STEPS)
    ill = np.where(late & (host == ILL), 8.0, 1.0)
    yield f"node_load1{{{node}}}", silent * load / 10
    yield f'node_cpu_seconds_total{{{node},cpu="0",mode="user"}}', silent * np.cumsum(load)
    free = np.linspace(40, 20, STEPS) if host == FULL else np.full(STEPS, 60.0)
    free = silent * GIBIBYTE * (free + 0.05 * rng.normal(size=STEPS))
    yield f'node_filesystem_avail_bytes{{{node},device="/dev/sda1",mountpoint="/"}}', free
    yield f"node_memory_MemAvailable_bytes{{{node}}}", silent * GIBIBYTE * (8 + rng.random(STEPS))
    yield f"shop_requests_total{{{shop}}}", silent * np.cumsum(load)
    latency = 0.02 * ill * (1 + 0.1 * rng.normal(size=STEPS))
    yield f'shop_request_duration_seconds{{{shop},quantile="0.95"}}', silent * latency
    yield f"shop_queue_depth{{{shop}}}", silent * np.rint(5 * ill + rng.poisson(2, STEPS))
    yield f'shop_request_seconds_bucket{{{shop},le="1"}}', silent * np.cumsum(load)


def history(hosts, end, unit=1):
    """Return what was scraped until a moment, as exporters write it, with times in 1/unit s."""
    lines = [
        f"{series} {values[place]} {unit * (int(end.timestamp()) - STEP * (STEPS - 1 - place))}"
        for seed, host in enumerate(hosts)
        for series, values in samples(host, seed)
        for place in np.flatnonzero(~np.isnan(values)).tolist()
    ]
    return "\n".join([*lines, "# EOF\n"])


@contextmanager
def prometheus(folder, hosts=HOSTS, end=MOMENT):
    """Yield the address of a Prometheus that keeps the hosts' past, and scrapes nothing."""
    program, tool = (needed(name, "prometheus") for name in ("prometheus", "promtool"))
    (folder / "past.txt").write_text(history(hosts, end))
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", folder / "past.txt"]
    subprocess.run([*command, folder / "tsdb"], check=True, capture_output=True, timeout=60)
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": []}))
    port = free_port()
    options = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={LOCAL}:{port}",
    ]
    url = f"http://{LOCAL}:{port}"
    with started([program, *options], folder / "prometheus.log"):
        wait_until(lambda: answers(f"{url}/-/ready"), what="Prometheus is ready")
        yield url


@contextmanager
def victoria(folder, hosts=HOSTS, end=MOMENT):
    """Yield the address of a VictoriaMetrics that keeps the same."""
    program, port = needed("victoria-metrics", "victoria-metrics"), free_port()
    url = f"http://{LOCAL}:{port}"
    options = [f"-storageDataPath={folder / 'vm'}", "-retentionPeriod=100y"]
    command = [program, *options, f"-httpListenAddr={LOCAL}:{port}"]
    with started(command, folder / "victoria.log"):
        wait_until(lambda: answers(f"{url}/health"), what="VictoriaMetrics is ready")
        past = history(hosts, end, 1000)
        httpx.post(f"{url}/api/v1/import/prometheus", content=past).raise_for_status()
        httpx.get(f"{url}/internal/force_flush").raise_for_status()
        wait_until(lambda: kept(url, end), what="VictoriaMetrics tells what it was told")
        yield url


def answers(url):
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def kept(url, end):
    asked = {"match[]": "up", "start": end.timestamp() - STEP, "end": end.timestamp()}
    return httpx.get(f"{url}/api/v1/series", params=asked).json()["data"]
