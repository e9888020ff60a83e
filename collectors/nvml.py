"""NVIDIA GPUs: load, memory, heat, power, corrected and uncorrected memory errors.

Reads:     NVML, through the Python package nvidia-ml-py; XID errors come with the kernel's messages
Emits:     readings of each GPU (host/gpu-0000:3b:00.0): hw.gpu.*
Platforms: Linux with NVIDIA's driver; no root needed
See:       https://docs.nvidia.com/deploy/nvml-api/
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import gpu
from collectors.rows import Value, readings_at

Api = Any  # the module pynvml, which has no types
Handle = Any  # how NVML knows a GPU

# Bits of NVML's throttle reasons, by what they say; "idle" and settings are no trouble.
THROTTLED: Final = {
    "power_cap": 0x04,
    "hardware": 0x08,
    "thermal_software": 0x20,
    "thermal_hardware": 0x40,
    "power_brake": 0x80,
}
CORRECTED, UNCORRECTED = 0, 1  # nvmlMemoryErrorType_t
SINCE_EVER: Final = 1  # nvmlEccCounterType_t: aggregate, over the GPU's life


def pynvml() -> Api:
    """Return NVIDIA's module, ready to be asked.

    Raises:
        NotApplicable: the package, or the driver, is not there.
    """
    try:
        api = import_module("pynvml")
    except ModuleNotFoundError as error:
        raise NotApplicable("nvidia-ml-py is not installed") from error
    try:
        api.nvmlInit()
    except (api.NVMLError_LibraryNotFound, api.NVMLError_DriverNotLoaded) as error:
        raise NotApplicable("no NVIDIA driver") from error
    return api


class Nvml:
    """Ask every GPU of this host.

    Args:
        host: Of which the GPUs are parts; None for this machine's name.
        connect: Gives the module ``pynvml``, initialised; tests pass a recording.
    """

    def __init__(self, host: str | None = None, connect: Callable[[], Api] = pynvml) -> None:
        self.host = host or platform.node()
        self.connect = connect
        self._api: Api = None

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values of each GPU; ``since`` is unused."""
        self._api = self._api or self.connect()
        try:
            count = self._api.nvmlDeviceGetCount()
            if not count:
                raise NotApplicable("the NVIDIA driver shows no GPU")
            for number in range(count):
                handle = self._api.nvmlDeviceGetHandleByIndex(number)
                entity = gpu(self.host, _text(self._api.nvmlDeviceGetPciInfo(handle).busId))
                rows = [(entity, *value) for value in _values(self._api, handle)]
                yield readings_at(datetime.now(UTC), rows)
        except self._api.NVMLError as error:
            raise OSError(f"NVML: {error}") from error  # "GPU is lost" is one


def _values(api: Api, handle: Handle) -> Iterator[Value]:
    """Yield what one GPU tells; what its model does not support is left out."""
    asked: tuple[Callable[[], Iterator[Value]], ...] = (
        lambda: _load(api, handle),
        lambda: _memory(api, handle),
        lambda: _heat(api, handle),
        lambda: _power(api, handle),
        lambda: _errors(api, handle),
        lambda: _retired(api, handle),
        lambda: _throttled(api, handle),
    )
    for part in asked:
        with suppress(api.NVMLError_NotSupported):
            yield from part()


def _load(api: Api, handle: Handle) -> Iterator[Value]:
    yield "hw.gpu.utilization", api.nvmlDeviceGetUtilizationRates(handle).gpu / 100


def _memory(api: Api, handle: Handle) -> Iterator[Value]:
    memory = api.nvmlDeviceGetMemoryInfo(handle)
    yield "hw.gpu.memory.usage", memory.used
    yield "hw.gpu.memory.limit", memory.total


def _heat(api: Api, handle: Handle) -> Iterator[Value]:
    yield "hw.gpu.temperature", api.nvmlDeviceGetTemperature(handle, 0)  # 0: the die


def _power(api: Api, handle: Handle) -> Iterator[Value]:
    yield "hw.gpu.power", api.nvmlDeviceGetPowerUsage(handle) / 1000


def _errors(api: Api, handle: Handle) -> Iterator[Value]:
    for word, kind in (("corrected", CORRECTED), ("uncorrected", UNCORRECTED)):
        count = api.nvmlDeviceGetTotalEccErrors(handle, kind, SINCE_EVER)
        yield f"hw.gpu.ecc_errors/{word}", count


def _retired(api: Api, handle: Handle) -> Iterator[Value]:
    corrected, uncorrected, pending, failed = api.nvmlDeviceGetRemappedRows(handle)
    yield "hw.gpu.ecc_remapped_rows/corrected", corrected
    yield "hw.gpu.ecc_remapped_rows/uncorrected", uncorrected
    yield "hw.gpu.ecc_remapped_rows/pending", pending
    yield "hw.gpu.ecc_remapped_rows/failed", failed


def _throttled(api: Api, handle: Handle) -> Iterator[Value]:
    reasons = api.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    for word, bit in THROTTLED.items():
        yield f"hw.gpu.throttled/{word}", float(bool(reasons & bit))


def _text(value: str | bytes) -> str:
    """Return text that the package gives as bytes in some releases."""
    return value.decode() if isinstance(value, bytes) else value
