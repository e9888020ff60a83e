import pytest

from tests.lab.signals import JOBS, name_of


@pytest.mark.parametrize(
    ("job", "labels", "name"),
    [
        ("web", {"__name__": "up", "job": "web", "instance": "x"}, ("web", "up")),
        (
            "orders",
            {"__name__": "http_requests_total", "route": "/orders", "code": "500"},
            ("orders", "http_requests_total/route=/orders,code=500"),
        ),
        (
            "host",
            {"__name__": "node_cpu_seconds_total", "cpu": "0", "mode": "user"},
            ("host", "node_cpu_seconds_total/mode=user"),
        ),
        ("host", {"__name__": "node_cpu_seconds_total", "cpu": "1", "mode": "user"}, None),
        ("host", {"__name__": "node_cpu_seconds_total", "cpu": "0", "mode": "nice"}, None),
        ("host", {"__name__": "node_load1"}, None),
        (
            "processes",
            {"__name__": "namedprocess_namegroup_num_procs", "groupname": "redis"},
            ("redis", "namedprocess_namegroup_num_procs"),
        ),
        ("processes", {"__name__": "namedprocess_namegroup_num_procs", "groupname": "web"}, None),
        (
            "postgres",
            {
                "__name__": "pg_stat_activity_count",
                "datname": "postgres",
                "state": "idle in transaction",
            },
            ("postgres", "pg_stat_activity_count/state=idle in transaction"),
        ),
        ("redis", {"__name__": "redis_start_time_seconds"}, None),
    ],
)
def test_a_series_becomes_entity_and_signal(job, labels, name):
    assert name_of(job, labels, cpu=0) == name


def test_every_cpu_counts_where_the_lab_is_not_pinned():
    labels = {"__name__": "node_cpu_seconds_total", "cpu": "7", "mode": "user"}
    name = "node_cpu_seconds_total/mode=user,cpu=7"
    assert name_of("host", labels, cpu=None) == ("host", name)


def test_every_job_says_whether_it_could_be_read():
    assert all("up" in kept for job, kept in JOBS.items() if job in ("web", "catalog", "orders"))
