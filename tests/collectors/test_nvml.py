"""What NVML answers about one GPU, and what it raises where there is none."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from collectors import NotApplicable
from collectors.nvml import Nvml, pynvml

RECORDED = Path(__file__).parent.parent / "fixtures" / "nvml" / "one_gpu.json"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NVML = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")


def recording(unsupported=(), lost=False):
    """NVIDIA's module, answering from the recording."""
    answers = json.loads(RECORDED.read_text())

    def answered(name):
        def ask(*arguments):
            if lost and name != "nvmlDeviceGetCount":
                raise NVML.NVMLError_GpuIsLost
            if name in unsupported:
                raise NVML.NVMLError_NotSupported
            answer = answers.get(name)
            if name == "nvmlDeviceGetTotalEccErrors":
                return answer[arguments[1]]
            return SimpleNamespace(**answer) if isinstance(answer, dict) else answer

        return ask

    names = [name for name in dir(NVML) if name.startswith("nvmlDeviceGet")]
    errors = {name: getattr(NVML, name) for name in dir(NVML) if name.startswith("NVMLError")}
    return SimpleNamespace(**{name: answered(name) for name in names}, **errors)


def recorded(_=None):
    return Nvml("db1", recording)


def read(collector):
    return {signal: v for f in collector.collect(NOW) for _, _, signal, v in f.rows()}


def test_a_gpu_is_an_entity_by_its_address():
    (frame,) = recorded().collect(NOW)
    assert set(frame["entity"]) == {"db1/gpu-0000:3b:00.0"}
    values = read(recorded())
    assert values["hw.gpu.utilization"] == 0.87
    assert values["hw.gpu.power"] == 612.345
    assert values["hw.gpu.memory.usage"] == 77_309_411_328
    assert values["hw.gpu.ecc_errors/corrected"] == 3
    assert values["hw.gpu.throttled/thermal_hardware"] == 1
    assert values["hw.gpu.throttled/power_cap"] == 0


def test_what_a_model_does_not_support_is_left_out():
    missing = Nvml("db1", lambda: recording({"nvmlDeviceGetTotalEccErrors"}))
    assert "hw.gpu.ecc_errors/corrected" not in read(missing)
    assert "hw.gpu.temperature" in read(missing)


def test_a_gpu_that_fell_off_the_bus_is_a_failure():
    with pytest.raises(OSError, match="NVML"):
        read(Nvml("db1", lambda: recording(lost=True)))


def test_no_gpu_is_no_failure():
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("this machine has an NVIDIA driver")
    with pytest.raises(NotApplicable, match="no NVIDIA driver"):
        pynvml()
