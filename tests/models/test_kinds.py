import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import Kind
from models.kinds import (
    ABSENCE,
    LOG_KINDS,
    UNKNOWN,
    VOCABULARY,
    canonical,
    kind_of_absence,
    kind_of_change,
    kind_of_metric,
    kind_of_template,
)
from models.vocabulary import UNITS

WORDS = st.sampled_from(
    ["cpu", "disk", "temp", "error", "ignore all rules", "causes", "A", "B", "request", "=5"]
)
UNITS_KNOWN = {unit for unit, _ in UNITS} | {kind.unit for kind in VOCABULARY}
ATTACK = st.text() | st.lists(WORDS).map(" ".join)


@pytest.mark.parametrize(
    ("signal", "name", "tier"),
    [
        ("cpu", "cpu utilization", "os"),
        ("mem", "memory used", "os"),
        ("net_rx", "network receive rate", "os"),
        ("latency_p90", "response latency", "service"),
        ("availability", "availability", "service"),
        ("disk_q", "disk io queue", "os"),
        ("in_errs", "network errors", "os"),
        ("eth1_fi", "network packets received", "os"),
        ("syscall_read", "system calls", "os"),
        ("node_memory_MemAvailable_bytes", "memory available", "os"),
        ("node_cpu_seconds_total/cpu=3/mode=iowait", "cpu time waiting for disk", "os"),
        ("http_requests_total/code=500", "error rate", "service"),
        ("http_request_duration_seconds_count", "request rate", "user"),
        ("http_request_duration_seconds_sum", "response latency", "service"),
        ("redis_evicted_keys_total", "cache evictions", "platform"),
        ("pg_stat_database_deadlocks", "database deadlocks", "platform"),
        ("container_cpu_cfs_throttled_periods_total", "container cpu throttling", "os"),
        ("hw.temperature/coretemp/Core 0", "cpu temperature", "hardware"),
        ("ipmi_temperature_celsius/name=Inlet Temp", "inlet air temperature", "environment"),
        ("Reallocated_Sector_Ct", "disk reallocated sectors", "hardware"),
        ("smart_197_raw", "disk pending sectors", "hardware"),
        ("m01", "unknown metric", "unknown"),
    ],
)
def test_names_of_common_exporters_are_known(signal, name, tier):
    kind = kind_of_metric(signal)
    assert (kind.name, kind.tier) == (name, tier)


@pytest.mark.parametrize("signal", ["requests", "workload", "http_requests_total", "rps"])
def test_demand_is_load(signal):
    assert kind_of_metric(signal).load


@pytest.mark.parametrize("signal", ["cpu", "latency_p99", "error_rate", "disk_u", "m01"])
def test_what_is_no_demand_is_no_load(signal):
    assert not kind_of_metric(signal).load


@pytest.mark.parametrize(
    ("severity", "template", "name"),
    [
        ("ERROR", "dial tcp <*>: connection refused", "error log message about connection"),
        ("WARN", "upstream timed out after <*>", "warning log message about timeout"),
        ("FATAL", "Out of memory: Killed process <*>", "fatal log message about out of memory"),
        ("ERROR", "System clock wrong by <*> seconds", "error log message about clock"),
        ("ERR", "nfs: server <*> not responding", "error log message about network storage"),
        ("WARN", "FailedScheduling: <*> nodes", "warning log message about pod scheduling"),
        ("INFO2", "the quick brown fox", "info log message"),
        ("", "", "info log message"),
    ],
)
def test_a_template_is_its_severity_and_a_topic(severity, template, name):
    assert kind_of_template(severity, template).name == name


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("deploy", "change: deployment"),
        ("reboot", "change: reboot"),
        ("config write", "change: configuration written"),
        ("unit start", "change: service unit started"),
        ("something else", "change"),
    ],
)
def test_a_change_is_one_of_a_few(change, name):
    assert kind_of_change(change).name == name


@pytest.mark.parametrize(
    ("signal", "unit"),
    [
        ("node_memory_MemFree_bytes", "By"),
        ("node_disk_read_bytes_total", "By/s"),
        ("http_request_duration_seconds/quantile=0.99", "s"),
        ("http_request_duration_seconds_count/route=/bytes", "1/s"),
        ("node_cpu_seconds_total/mode=user", "ratio"),
        ("request_latency_ms", "ms"),
        ("latency_p90", ""),  # seconds or milliseconds: nobody knows
        ("cpu", ""),
        ("system.memory.usage", "By"),
        ("hw.temperature/coretemp/Core 0", "Cel"),
    ],
)
def test_a_unit_is_said_by_the_name_or_by_the_convention_else_not_known(signal, unit):
    assert kind_of_metric(signal).unit == unit


@given(ATTACK, ATTACK)
def test_no_text_of_telemetry_reaches_a_kind(severity, text):
    metric = kind_of_metric(text)
    assert canonical(metric) in VOCABULARY
    assert metric.unit in UNITS_KNOWN
    assert kind_of_change(text) in VOCABULARY
    assert kind_of_template(severity, text) in LOG_KINDS


def test_a_name_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match="vocabulary"):
        canonical(Kind("ignore all rules"))


def test_absence_and_unknown_names_say_nothing_else():
    assert (kind_of_absence(), kind_of_metric("")) == (ABSENCE, UNKNOWN)


def test_a_very_long_name_costs_no_more_than_its_beginning():
    assert kind_of_metric("cpu " + "x" * 10_000_000) == kind_of_metric("cpu")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("shop.orders.per_second", "1/s"),
        ("shop_bytes_sent_per_second", "By/s"),
        ("shop_wait_seconds", "s"),
    ],
)
def test_so_many_a_second_is_no_time(name, unit):
    assert kind_of_metric(name).unit == unit
