"""What runs inside a decoding process: photos in, results out, within limits that the system enforces.

Imported by the parent as well, so it imports no codec itself; the fork server has them all loaded.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection

from photomesh_media_worker.domain import Processed, Rejected

__all__ = ["CODECS", "ENVIRONMENT", "Limits", "serve"]

CODECS = "photomesh_media_worker.pipeline"
"""The module that the fork server loads once, for all children."""

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "VIPS_CONCURRENCY": "1"}
"""What libraries read when they are loaded: photos run in parallel, the work on one photo does not."""

_MEGABYTE = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h


@dataclass(frozen=True)
class Limits:
    """Of one photo. The largest that are taken need 530 MB of address space and 2 s of processor time."""

    memory_bytes: int = 768 * _MEGABYTE
    """Beyond what the process has when it starts."""
    cpu_seconds: int = 15
    """After these the system ends the process."""
    wall_seconds: float = 60.0
    """After these the parent does: the process hangs, or the machine is overloaded."""


def serve(connection: Connection, limits: Limits) -> None:
    """Processes photos until the parent closes the connection, or is gone."""
    from photomesh_media_worker.pipeline import process

    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent finishes what it has begun
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a photo is private, also when a decoder crashes on it
    _return_memory_early()
    _limit_memory(limits.memory_bytes)
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        _limit_cpu(limits.cpu_seconds)
        outcome: Processed | Rejected = process(data)
        del data
        try:
            connection.send(outcome)
        except BrokenPipeError:
            return


def _return_memory_early() -> None:
    """glibc keeps freed memory for later, per thread; a photo's buffers are large, and the next photo's are others."""
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_ARENA_MAX, 1)
    libc.mallopt(_M_MMAP_THRESHOLD, _MEGABYTE)
    libc.mallopt(_M_TRIM_THRESHOLD, 8 * _MEGABYTE)


def _limit_memory(more: int) -> None:
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    limit = pages * os.sysconf("SC_PAGESIZE") + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_cpu(seconds: int) -> None:
    """The limit is on the process's whole life, so it moves with every photo."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
