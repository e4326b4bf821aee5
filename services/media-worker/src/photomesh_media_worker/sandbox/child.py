"""What runs inside a decoding process: photos in, results out, within limits that the system enforces."""

from __future__ import annotations

import ctypes
import io
import os
import resource
import signal
import traceback

from photomesh_media_worker.pipeline import process
from photomesh_media_worker.sandbox.limits import Limits
from photomesh_media_worker.sandbox.protocol import SIZE, encode_failure, encode_outcome
from photomesh_media_worker.sandbox.seccomp import Unsupported, lock_down

__all__ = ["serve"]

_MEGABYTE = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def serve(socket: int, limits: Limits) -> None:
    """Processes the photos that come through this file descriptor until the other end is closed, or is gone.

    Where the process cannot be locked down it answers so, and decodes nothing.
    """
    connection = _keep_only(socket)
    _limit(limits.memory_bytes)
    try:
        lock_down()
    except Unsupported as error:
        _send(connection, encode_failure(f"decoders cannot be locked down: {error}"))
        return
    while True:
        try:
            data = _receive(connection)
            _limit_cpu(limits.cpu_seconds)
            try:
                answer = encode_outcome(process(data))
            except Exception:
                _send(connection, encode_failure(traceback.format_exc()))
                raise
            del data
            _send(connection, answer)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _keep_only(socket: int) -> io.FileIO:
    """Closes every other file: what a library writes to stderr is not worth a file that one can write to."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.dup2(socket, 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return io.FileIO(3, "r+")


def _limit(memory: int) -> None:
    """glibc keeps freed memory for later, per thread; a photo's buffers are large, and the next photo's are others."""
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_ARENA_MAX, 1)
    libc.mallopt(_M_MMAP_THRESHOLD, _MEGABYTE)
    libc.mallopt(_M_TRIM_THRESHOLD, 8 * _MEGABYTE)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # with the fork server, if nothing else ends it
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    most = pages * os.sysconf("SC_PAGESIZE") + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a photo is private, also when a decoder crashes on it


def _limit_cpu(seconds: int) -> None:
    """The limit is on the process's whole life, so it moves with every photo."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _receive(connection: io.FileIO) -> bytes:
    """Raises EOFError."""
    (length,) = SIZE.unpack(_exactly(connection, SIZE.size))
    return bytes(_exactly(connection, length))


def _exactly(connection: io.FileIO, count: int) -> bytearray:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        read = connection.readinto(view)
        if not read:
            raise EOFError
        view = view[read:]
    return buffer


def _send(connection: io.FileIO, answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[connection.write(view) :]
