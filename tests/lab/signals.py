"""Which of Prometheus' series a bundle keeps, and what they are called there.

A signal is the exporter's own metric name; the labels that matter follow a "/".
"""

from collections.abc import Iterator, Mapping
from typing import Final

# metric -> labels that become part of the name; a label "k=v|w" must also have one of the values
Kept = Mapping[str, tuple[str, ...]]

_DATABASE: Final = "datname=postgres"
_TABLES: Final = "relname=orders|reviews"
_STATES: Final = "state=active|idle|idle in transaction"

PROCESS: Final[Kept] = {
    "up": (),
    "process_cpu_seconds_total": (),
    "process_resident_memory_bytes": (),
    "process_open_fds": (),
}
HTTP: Final[Kept] = {
    **PROCESS,
    "event_loop_lag_seconds": (),
    "http_requests_total": ("route", "code"),
    "http_request_duration_seconds_count": ("route",),
    "http_request_duration_seconds_sum": ("route",),
    "http_requests_in_flight": (),
    "http_requests:error_ratio": (),
    "http_request_duration_seconds:p95": (),
}
POOL: Final[Kept] = {
    "db_pool_connections": (),
    "db_pool_waiting_requests": (),
    "db_query_duration_seconds_count": (),
    "db_query_duration_seconds_sum": (),
    "db_query_errors_total": (),
}
GROUP: Final[Kept] = {
    "namedprocess_namegroup_cpu_seconds_total": ("mode",),
    "namedprocess_namegroup_memory_bytes": ("memtype=resident",),
    "namedprocess_namegroup_num_procs": (),
}
JOBS: Final[Mapping[str, Kept]] = {
    "web": {
        **HTTP,
        "upstream_request_duration_seconds_count": ("upstream",),
        "upstream_request_duration_seconds_sum": ("upstream",),
        "upstream_failures_total": ("upstream", "reason"),
    },
    "catalog": {
        **HTTP,
        **POOL,
        "cache_hits_total": (),
        "cache_misses_total": (),
        "cache_errors_total": (),
        "cache_call_duration_seconds_count": (),
        "cache_call_duration_seconds_sum": (),
    },
    "orders": {
        **HTTP,
        **POOL,
        "orders_placed_total": (),
    },
    "worker": {
        **PROCESS,
        "worker_jobs_total": ("outcome",),
        "worker_job_duration_seconds_count": (),
        "worker_job_duration_seconds_sum": (),
        "worker_queue_length": (),
        "db_query_errors_total": (),
    },
    "loadgen": {
        "up": (),
        "loadgen_requests_total": ("outcome",),
        "loadgen_waiting_customers": (),
        "loadgen_arrival_rate": (),
    },
    "batch-job": {"up": ()},
    "backup": {"up": (), "backup_last_success_timestamp_seconds": (), "backup_kept_bytes": ()},
    "redis": {
        "redis_up": (),
        "redis_connected_clients": (),
        "redis_memory_used_bytes": (),
        "redis_memory_max_bytes": (),
        "redis_db_keys": ("db=db0",),
        "redis_evicted_keys_total": (),
        "redis_expired_keys_total": (),
        "redis_keyspace_hits_total": (),
        "redis_keyspace_misses_total": (),
        "redis_commands_processed_total": (),
        "redis_connections_received_total": (),
        "redis_rejected_connections_total": (),
        "redis_rdb_last_bgsave_status": (),
        "redis_total_error_replies": (),
    },
    "postgres": {
        "pg_up": (),
        "pg_stat_activity_count": (_DATABASE, _STATES),
        "pg_stat_activity_max_tx_duration": (_DATABASE, "state=active|idle in transaction"),
        "pg_locks_count": (_DATABASE, "mode=accessexclusivelock|rowexclusivelock"),
        "pg_stat_database_xact_commit": (_DATABASE,),
        "pg_stat_database_xact_rollback": (_DATABASE,),
        "pg_stat_database_blks_hit": (_DATABASE,),
        "pg_stat_database_blks_read": (_DATABASE,),
        "pg_stat_database_tup_returned": (_DATABASE,),
        "pg_database_size_bytes": (_DATABASE,),
        "pg_stat_user_tables_seq_tup_read": (_TABLES,),
        "pg_stat_user_tables_idx_scan": ("relname=orders",),
        "pg_stat_user_tables_n_dead_tup": ("relname=orders",),
    },
    "host": {
        "node_cpu_seconds_total": ("mode=user|system|idle|iowait|steal",),
        "node_load1": (),
        "node_memory_MemAvailable_bytes": (),
        "node_filesystem_avail_bytes": ("mountpoint=/volumes/database|/volumes/cache|/",),
        "node_disk_io_time_seconds_total": ("device=vda|sda|nvme0n1",),
        "node_disk_written_bytes_total": ("device=vda|sda|nvme0n1",),
        "node_network_receive_bytes_total": ("device=lo",),
        "node_context_switches_total": (),
        "node_procs_running": (),
        "node_procs_blocked": (),
        "node_pressure_cpu_waiting_seconds_total": (),
        "node_pressure_io_waiting_seconds_total": (),
        "node_sockstat_TCP_inuse": (),
        "node_sockstat_TCP_tw": (),
    },
    # of the services only those without process metrics of their own
    "processes": {
        name: (*labels, "groupname=redis|postgres|batch-job|backup")
        for name, labels in GROUP.items()
    },
}
# what is told of the whole machine: of a lab that has one CPU to itself, the neighbours tell it
OF_THE_MACHINE: Final = {
    *("node_load1", "node_procs_running", "node_context_switches_total"),
    *("node_pressure_cpu_waiting_seconds_total", "node_memory_MemAvailable_bytes"),
}
# labels that choose a series but say nothing
UNNAMED: Final = ("groupname", "datname", "device", "db")


def name_of(job: str, labels: Mapping[str, str], cpu: int | None) -> tuple[str, str] | None:
    """Return (entity, signal) of a series, or None where no bundle keeps it.

    Args:
        job: Prometheus job that scraped it.
        labels: All of its labels, the metric's name among them.
        cpu: The CPU that the lab runs on; readings of the others are not kept.
    """
    metric = labels["__name__"]
    if metric not in JOBS[job]:
        return None
    if cpu is not None and (labels.get("cpu", str(cpu)) != str(cpu) or metric in OF_THE_MACHINE):
        return None
    shown = list(_shown(JOBS[job][metric], labels))
    if None in shown:
        return None
    if cpu is None and "cpu" in labels:
        shown.append(f"cpu={labels['cpu']}")
    text = ",".join(one for one in shown if one)
    return labels.get("groupname", job), f"{metric}/{text}" if text else metric


def _shown(wanted: tuple[str, ...], labels: Mapping[str, str]) -> Iterator[str | None]:
    """Yield each label as it is shown; None where its value is not wanted."""
    for want in wanted:
        key, _, values = want.partition("=")
        value = labels.get(key, "")
        if values and value not in values.split("|"):
            yield None
        elif key not in UNNAMED:
            yield f"{key}={value}"
