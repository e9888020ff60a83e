"""Memory that one large request took goes back to the system when that is answered.

glibc maps large blocks by themselves, and takes for large what is larger than any that was freed
before: after one large request it would keep them all, in each thread's own share. A fixed size
prevents that.

Reference: mallopt(3), M_MMAP_THRESHOLD.
"""

import ctypes
from typing import Final

MMAP_THRESHOLD: Final = -3  # malloc.h
BLOCK_BYTES: Final = 256 << 10


def give_large_blocks_back() -> None:
    """Map blocks from ``BLOCK_BYTES`` on by themselves; nothing changes where libc is no glibc."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(MMAP_THRESHOLD, BLOCK_BYTES)
