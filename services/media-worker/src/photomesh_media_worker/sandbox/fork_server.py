"""A program that has the codecs loaded and forks decoding processes: ``python -I -m …fork_server FD MEMORY CPU``.

It is started with an environment of its own, sees no photo, and runs no thread, which is what makes forking safe. What
it is told is in `protocol`. It ends, and its children with it, when the control socket is closed.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import suppress

from photomesh_media_worker.sandbox.child import serve
from photomesh_media_worker.sandbox.limits import Limits
from photomesh_media_worker.sandbox.protocol import EXIT_CODE, KILL, PROCESS_ID, START

__all__ = ["main"]


class _ForkServer:
    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self._control = control
        self._limits = limits
        self._pipes: dict[int, int] = {}

    def run(self) -> None:
        awake, wake_up = os.pipe()
        os.set_blocking(wake_up, False)
        os.set_blocking(awake, False)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(awake, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if awake in ready:
                    os.read(awake, 4096)
                    self._reap()
                if self._control in ready and not self._obey():
                    return

    def _obey(self) -> bool:
        message, files, _, _ = socket.recv_fds(self._control, 64, 2)
        if message == START:
            self._start(*files)
        elif message.startswith(KILL) and (pid := int(message.removeprefix(KILL))) in self._pipes:
            os.kill(pid, signal.SIGKILL)
        return bool(message)

    def _start(self, connection: int, pipe: int) -> None:
        pid = os.fork()
        if not pid:
            self._become_child(connection)
        self._pipes[pid] = pipe
        os.close(connection)
        self._control.send(PROCESS_ID.pack(pid))

    def _become_child(self, connection: int) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(connection, self._limits)
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)

    def _reap(self) -> None:
        while self._pipes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            pipe = self._pipes.pop(pid)
            with suppress(BrokenPipeError):
                os.write(pipe, EXIT_CODE.pack(os.waitstatus_to_exitcode(status)))
            os.close(pipe)

    def end(self) -> None:
        for pid in self._pipes:
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    # Both may reach the whole group; the parent finishes what it has begun, and closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    limits = Limits(memory_bytes=int(sys.argv[2]), cpu_seconds=int(sys.argv[3]))
    gc.collect()
    gc.freeze()  # children share these objects' memory as long as nobody touches it
    server = _ForkServer(control, limits)
    try:
        server.run()
    finally:
        server.end()


if __name__ == "__main__":
    main()
