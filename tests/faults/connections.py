"""Cutting the connections of a running process, which a client or a server then meets in the middle of a call."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from pathlib import Path

from photomesh_local.processes.sockets import descendants

__all__ = ["can_cut", "cut"]

_PIDFD_GETFD = 438
"""The number of the system call, on all architectures."""


def cut(pid: int) -> int:
    """Shut down every TCP connection of a process and its children; how many. It goes on listening."""
    return sum(_cut(process) for process in descendants(pid))


def _cut(pid: int) -> int:
    count = 0
    with contextlib.suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()).startswith("socket:"):
                        count += _shut_down(process, int(descriptor.name))
        finally:
            os.close(process)
    return count


def _shut_down(process: int, descriptor: int) -> bool:
    with socket.socket(fileno=_copy(process, descriptor)) as copy:
        if copy.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        copy.getpeername()  # OSError if it listens
        copy.shutdown(socket.SHUT_RDWR)
        return True


def _copy(process: int, descriptor: int) -> int:
    """Another process's descriptor as one of this process, which takes the right to trace it."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(_PIDFD_GETFD, process, descriptor, 0))
    if found < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return found


def can_cut() -> bool:
    """Whether this machine allows it: containers and Yama may not."""
    process = os.pidfd_open(os.getppid())
    try:
        os.close(_copy(process, 0))
    except OSError:
        return False
    finally:
        os.close(process)
    return True
