"""Starts decoding processes by way of the fork server, and talks to them. Blocking: to be called on threads."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from photomesh_media_worker.domain import Processed, Rejected
from photomesh_media_worker.sandbox.checks import (
    MAX_HEADER_BYTES,
    MAX_PICTURE_BYTES,
    Failed,
    Implausible,
    decode_outcome,
)
from photomesh_media_worker.sandbox.limits import Limits
from photomesh_media_worker.sandbox.protocol import EXIT_CODE, HEAD, KILL, PROCESS_ID, SIZE, START

__all__ = ["ENVIRONMENT", "Decoder", "DecoderCrashed", "DecoderTimedOut", "ForkServer"]

ENVIRONMENT: Mapping[str, str] = MappingProxyType({"OPENBLAS_NUM_THREADS": "1", "VIPS_CONCURRENCY": "1"})
"""All that decoders have: the worker's own environment holds its secrets. Photos are decoded side by side, and the work
on one of them is not divided further."""

_MODULE = "photomesh_media_worker.sandbox.fork_server"
_START_SECONDS = 60.0
_END_SECONDS = 5.0


class DecoderCrashed(Exception):
    """The process that worked on the photo ended without a result, or gave one that cannot be."""


class DecoderTimedOut(Exception):
    """The process that worked on the photo gave no result in time."""


class ForkServer:
    """The program that has the codecs loaded. It is started when it is first needed, and again if it has died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> Decoder:
        """Raises DecoderCrashed."""
        with self._lock:
            try:
                return self._fork(self._control or self._launch())
            except (OSError, EOFError):
                self._end()
            try:
                return self._fork(self._launch())
            except (OSError, EOFError) as error:
                self._end()
                raise DecoderCrashed(f"no process could be started: {error!r}") from error

    def kill(self, pid: int) -> None:
        """Ends a child, which may have ended already."""
        if control := self._control:
            with suppress(OSError):
                control.send(KILL + str(pid).encode())

    def close(self) -> None:
        """Ends the program and all its children."""
        with self._lock:
            self._end()

    def _launch(self) -> socket.socket:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_START_SECONDS)
        limits = (str(self._limits.memory_bytes), str(self._limits.cpu_seconds))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-I", "-m", _MODULE, str(theirs.fileno()), *limits],
                env=dict(ENVIRONMENT),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        return self._control

    def _fork(self, control: socket.socket) -> Decoder:
        connection, theirs = socket.socketpair()
        exit_code, write = os.pipe()
        try:
            socket.send_fds(control, [START], [theirs.fileno(), write])
            answer = control.recv(PROCESS_ID.size)
            if not answer:
                raise EOFError("the fork server has ended")
        except BaseException:
            connection.close()
            os.close(exit_code)
            raise
        finally:
            theirs.close()
            os.close(write)
        (pid,) = PROCESS_ID.unpack(answer)
        return Decoder(self, pid, connection, exit_code, self._limits.wall_seconds)

    def _end(self) -> None:
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


class Decoder:
    """A decoding process."""

    def __init__(
        self, server: ForkServer, pid: int, connection: socket.socket, exit_code: int, wall_seconds: float
    ) -> None:
        self.photos = 0
        self.pid = pid
        self._server = server
        self._connection = connection
        self._exit_code = exit_code
        self._wall_seconds = wall_seconds

    def process(self, data: bytes | bytearray) -> Processed | Rejected:
        """Raises EOFError if the process ended, DecoderTimedOut, and DecoderCrashed for an answer that cannot be."""
        self.photos += 1
        deadline = time.monotonic() + self._wall_seconds
        try:
            self._wait_until(deadline)
            self._connection.sendall(SIZE.pack(len(data)))
            self._connection.sendall(data)
            header_length, length = HEAD.unpack(self._exactly(HEAD.size, deadline))
            if header_length > MAX_HEADER_BYTES or length > MAX_PICTURE_BYTES:
                raise DecoderCrashed(f"an answer of {header_length} and {length} bytes")
            header = self._exactly(header_length, deadline)
            return decode_outcome(header, self._exactly(length, deadline))
        except TimeoutError as error:
            raise DecoderTimedOut(f"no result after {self._wall_seconds} s") from error
        except OSError as error:
            raise EOFError from error
        except Implausible as error:
            raise DecoderCrashed(f"an answer that cannot be: {error}") from error
        except Failed as error:
            raise DecoderCrashed(f"the pipeline failed: {error}") from error

    def _exactly(self, count: int, deadline: float) -> bytes:
        """Raises EOFError, and TimeoutError however slowly the bytes come."""
        buffer = bytearray(count)
        view = memoryview(buffer)
        while view:
            self._wait_until(deadline)
            read = self._connection.recv_into(view)
            if not read:
                raise EOFError
            view = view[read:]
        return bytes(buffer)

    def _wait_until(self, deadline: float) -> None:
        """Bounds the next call on the socket."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)

    def kill(self) -> None:
        self._server.kill(self.pid)

    def close(self) -> int | None:
        """To be called after `kill`; returns the exit code, which is that of an earlier death if there was one."""
        self._connection.close()
        try:
            ready, _, _ = select.select([self._exit_code], [], [], _END_SECONDS)
            code = os.read(self._exit_code, EXIT_CODE.size) if ready else b""
        finally:
            os.close(self._exit_code)
        return int(EXIT_CODE.unpack(code)[0]) if code else None
