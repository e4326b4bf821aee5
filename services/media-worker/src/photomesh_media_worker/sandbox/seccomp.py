"""A filter of system calls for decoders: memory, threads, clocks and the files that are open; nothing that opens more.

No sockets, no files, no programs, no signals to others, no reading of other processes; memory is never executable.
What is not allowed fails with EPERM, so that a library which asks for something it can do without goes on.
Linux on x86_64 and aarch64; it needs no privilege, and Docker's and Kubernetes' default profiles allow it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["Unsupported", "lock_down"]


class Unsupported(Exception):
    """This machine has no filter that we could apply."""


@dataclass(frozen=True)
class _Architecture:
    audit: int
    calls: Mapping[str, int]


# Numbers from the kernel's asm/unistd_64.h and asm-generic/unistd.h.
_X86_64 = _Architecture(
    0xC000003E,
    MappingProxyType(
        {
            "read": 0, "write": 1, "close": 3, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
            "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25,
            "madvise": 28, "nanosleep": 35, "getpid": 39, "clone": 56, "exit": 60, "gettimeofday": 96,
            "getrusage": 98, "sigaltstack": 131, "prctl": 157, "gettid": 186, "futex": 202, "sched_getaffinity": 204,
            "restart_syscall": 219, "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231, "ppoll": 271,
            "set_robust_list": 273, "prlimit64": 302, "getrandom": 318, "membarrier": 324, "rseq": 334, "clone3": 435,
        }
    ),
)  # fmt: skip
_AARCH64 = _Architecture(
    0xC00000B7,
    MappingProxyType(
        {
            "close": 57, "lseek": 62, "read": 63, "write": 64, "ppoll": 73, "exit": 93, "exit_group": 94, "futex": 98,
            "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113, "clock_nanosleep": 115,
            "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132,
            "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "getrusage": 165, "prctl": 167,
            "gettimeofday": 169, "getpid": 172, "gettid": 178, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220,
            "mmap": 222, "mprotect": 226, "madvise": 233, "prlimit64": 261, "getrandom": 278, "membarrier": 283,
            "rseq": 293, "clone3": 435,
        }
    ),
)  # fmt: skip
_ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _AARCH64}

_PROT_EXEC, _CLONE_THREAD = 0x4, 0x10000
_PR_SET_NAME, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 15, 22, 38, 2

_LOAD, _JUMP_EQUAL, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06  # linux/bpf_common.h, on 32-bit words
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; arguments have 8 bytes, little-endian
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000

_Instruction = tuple[int, int, int, int]
"""Operation, how far to jump if true, how far if false, operand."""


def lock_down() -> None:
    """Applies the filter to this process, for good and for all threads that it will have. Raises Unsupported."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise Unsupported(f"no table of system calls for {platform.machine()}")
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _program(architecture))
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0)):
        if libc.prctl(*arguments):
            raise Unsupported(os.strerror(ctypes.get_errno()))


def _program(architecture: _Architecture) -> Sequence[_Instruction]:
    """Each check is a few instructions that end with an answer or fall through to the next."""
    calls = dict(architecture.calls)
    checks: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _KILL),  # a call by another architecture's numbers
        (_LOAD, 0, 0, _NUMBER),
        # glibc then starts threads by `clone`, whose flags can be looked at.
        *_when(calls.pop("clone3"), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)),
        *_when(calls.pop("clone"), *_if_bits(0, _CLONE_THREAD, _ALLOW, _FAIL | errno.EPERM)),
        *_when(calls.pop("mmap"), *_if_bits(2, _PROT_EXEC, _FAIL | errno.EPERM, _ALLOW)),
        *_when(calls.pop("mprotect"), *_if_bits(2, _PROT_EXEC, _FAIL | errno.EPERM, _ALLOW)),
        *_when(calls.pop("prctl"), *_if_equal(0, _PR_SET_NAME)),
        *_when(calls.pop("prlimit64"), *_if_equal(0, 0)),  # one's own
    ]
    for number in calls.values():
        checks += _when(number, (_RETURN, 0, 0, _ALLOW))
    return [*checks, (_RETURN, 0, 0, _FAIL | errno.EPERM)]


def _when(number: int, *then: _Instruction) -> list[_Instruction]:
    return [(_JUMP_EQUAL, 0, len(then), number), *then]


def _if_bits(argument: int, bits: int, then: int, otherwise: int) -> list[_Instruction]:
    return [
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        (_JUMP_BITS, 0, 1, bits),
        (_RETURN, 0, 0, then),
        (_RETURN, 0, 0, otherwise),
    ]


def _if_equal(argument: int, value: int) -> list[_Instruction]:
    return [
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        (_JUMP_EQUAL, 0, 1, value),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
    ]
