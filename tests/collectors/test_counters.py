"""What this host's collectors give as it counts up is made a rate of, and nothing else is."""

import pytest

from diagnose.incident.readings import COUNTER

COUNTS_UP = [
    "hw.energy/rapl/package",
    "hw.memory.corrected_errors/mc0/DIMM_A1",
    "hw.memory.uncorrected_errors/mc0",
    "process.cpu.time",
    "process.cpu.time/nginx",
    "process.disk.io/read",
    "process.out_of_memory_kills",
    "process.pressure.memory/some",
    "process.throttled_time",
    "system.context_switches",
    "system.cpu.time/iowait",
    "system.disk.io/read",
    "system.disk.io_time",
    "system.disk.operation_time/write",
    "system.disk.operations/write",
    "system.disk.weighted_io_time",
    "system.interrupts",
    "system.network.carrier_changes/eth0",
    "system.network.dropped/eth0/receive",
    "system.network.errors/eth0/transmit",
    "system.network.io/eth0/receive",
    "system.network.packets/eth0/receive",
    "system.out_of_memory_kills",
    "system.paging.faults/major",
    "system.paging.operations/swap_in",
    "system.pressure.cpu/some",
    "system.processes.created",
    "system.tcp.listen_overflows",
    "system.tcp.retransmissions",
    "system.udp.errors/receive",
]
GOES_UP_AND_DOWN = [
    "hw.gpu.utilization",
    "hw.physical_disk.reallocated_sectors",
    "hw.temperature/coretemp/Core 0",
    "process.count/nginx",
    "process.memory.usage/nginx",
    "system.cpu.load_average.1m",
    "system.disk.latency/read",
    "system.disk.pending_operations",
    "system.file_descriptors",
    "system.filesystem.utilization//var",
    "system.linux.memory.available",
    "system.memory.usage/used",
    "system.network.connections/established",
    "system.network.conntrack",
    "system.network.link_state/eth0",
    "system.paging.usage/used",
    "system.processes.blocked",
    "system.processes.running",
    "system.uptime",
]


@pytest.mark.parametrize("signal", COUNTS_UP)
def test_what_counts_up_is_known_for_a_counter(signal):
    assert COUNTER.search(signal)


@pytest.mark.parametrize("signal", GOES_UP_AND_DOWN)
def test_what_is_a_level_is_none(signal):
    assert not COUNTER.search(signal)
