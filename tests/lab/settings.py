"""The configuration files of what the lab runs."""

import json
from pathlib import Path
from typing import Any, Final

from tests.lab import ports

ALERT_FOR_SECONDS: Final = 10
ERROR_RATIO_LIMIT: Final = 0.05
LATENCY_LIMIT_SECONDS: Final = 0.2
FRONT: Final = "web"
# alert -> the signal of web that it watches
SYMPTOMS: Final = {
    "WebErrorRatioHigh": "http_requests:error_ratio",
    "WebLatencyHigh": "http_request_duration_seconds:p95",
}
_BY_JOB: Final = "sum by (job) (rate(http_requests_total{}[15s]))"
# latency over all routes: route "all", not one series a route, is what pages
_BUCKETS: Final = "sum by (job, le) (rate(http_request_duration_seconds_bucket[15s]))"

PROCESS_GROUPS: Final = {
    "web": "services.front",
    "catalog": "services.catalog",
    "orders": "services.orders",
    "worker": "services.worker",
    "batch-job": "services.batch",
    "backup": "services.backup|pg_dump",
    "loadgen": "lab.load",
    "redis": "redis-server",
    "postgres": "bin/postgres|^postgres",
}


def prometheus(folder: Path) -> Path:
    """Write Prometheus' configuration and rules into ``folder``; return the former."""
    errors = _BY_JOB.format('{code=~"5.."}')
    requests = _BY_JOB.format("")
    recorded = {
        "http_requests:error_ratio": f"({errors} or 0 * {requests}) / ({requests} > 0)",
        "http_request_duration_seconds:p95": f"histogram_quantile(0.95, {_BUCKETS})",
    }
    limits = dict(zip(SYMPTOMS, (ERROR_RATIO_LIMIT, LATENCY_LIMIT_SECONDS), strict=True))
    rules: list[dict[str, Any]] = [{"record": k, "expr": v} for k, v in recorded.items()]
    rules += [
        {
            "alert": alert,
            "expr": f'{SYMPTOMS[alert]}{{job="{FRONT}"}} > {limit}',
            "for": f"{ALERT_FOR_SECONDS}s",
        }
        for alert, limit in limits.items()
    ]
    rule_file = _write(folder / "rules.yml", {"groups": [{"name": "shop", "rules": rules}]})
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in ports.SCRAPED.items()
    ]
    times = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    everything = {"global": times, "rule_files": [str(rule_file)], "scrape_configs": jobs}
    return _write(folder / "prometheus.yml", everything)


def process_groups(folder: Path) -> Path:
    """Write the process exporter's configuration: one group an entity."""
    groups = [{"name": name, "cmdline": [pattern]} for name, pattern in PROCESS_GROUPS.items()]
    return _write(folder / "processes.yml", {"process_names": groups})


def table_statistics(folder: Path) -> Path:
    """Write the query that shows the PostgreSQL exporter how the tables are read."""
    counters = ("seq_scan", "seq_tup_read", "idx_scan", "n_tup_ins", "n_dead_tup")
    metrics: list[dict[str, dict[str, str]]] = [
        {"relname": {"usage": "LABEL", "description": "table"}},
        *({name: {"usage": "COUNTER", "description": name}} for name in counters),
    ]
    query = f"SELECT relname, {', '.join(counters)} FROM pg_stat_user_tables"
    return _write(
        folder / "queries.yml", {"pg_stat_user_tables": {"query": query, "metrics": metrics}}
    )


def redis(folder: Path, data: Path) -> Path:
    """Write redis.conf; snapshots go to ``data``, and writes stop where none can be made."""
    lines = (
        "bind 127.0.0.1",
        f"port {ports.REDIS}",
        f"dir {data}",
        f"logfile {folder / 'log' / 'redis.log'}",
        "maxmemory 64mb",
        "maxmemory-policy allkeys-lru",
        "maxclients 200",
        "save 20 1",
        "stop-writes-on-bgsave-error yes",
    )
    path = folder / "redis.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def postgres(data: Path, log: Path) -> None:
    """Append the lab's settings to the configuration of a new database cluster."""
    lines = (
        "listen_addresses = '127.0.0.1'",
        f"port = {ports.POSTGRES}",
        "unix_socket_directories = ''",
        "max_connections = 40",
        "shared_buffers = 64MB",
        "max_wal_size = 96MB",
        "min_wal_size = 64MB",
        "checkpoint_timeout = 60s",
        "max_parallel_workers_per_gather = 0",
        "jit = off",
        "autovacuum_naptime = 15s",
        "log_timezone = 'UTC'",
        "log_line_prefix = '%m [%p] %q%u@%d '",
        "log_min_duration_statement = 300",
        "log_lock_waits = on",
        "logging_collector = on",
        f"log_directory = '{log.parent}'",
        f"log_filename = '{log.name}'",
        "log_file_mode = 0644",
        "log_rotation_age = 0",
    )
    with (data / "postgresql.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")


def _write(path: Path, content: dict[str, Any]) -> Path:
    """Write ``content`` as JSON, which is YAML."""
    path.write_text(json.dumps(content, indent=1))
    return path
