"""A decoder that a photo has taken over: what it can reach, and what the worker believes of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from photomesh_media_worker.domain import Processed, Rejected
from photomesh_media_worker.pipeline import process
from photomesh_media_worker.sandbox import protocol
from photomesh_media_worker.sandbox.launcher import ENVIRONMENT, Decoder, ForkServer
from photomesh_media_worker.sandbox.pool import DecoderCrashed, DecoderTimedOut, Limits, Sandbox
from tests.support import photos
from tests.support.waiting import eventually

CASES = Path(__file__).parents[2] / "cases" / "photos"
PHOTO = photos.photo("jpeg", 160, 120)

# What a decoder is able to do -------------------------------------------------------------------------------------

ATTEMPTS = """
import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading
from photomesh_media_worker.sandbox.seccomp import lock_down

libc = ctypes.CDLL(None, use_errno=True)
parent, (left, right) = os.getppid(), socket.socketpair()

def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)

def thread():
    done = threading.Event()
    threading.Thread(target=done.set).start()
    assert done.wait(5)

attempts = {
    "a socket": lambda: socket.socket(),
    "a pair of sockets": socket.socketpair,
    "connect": lambda: left.connect("/tmp/x"),
    "a message with an address": lambda: left.sendto(b"x", "/tmp/x"),
    "read a file": lambda: open("/etc/passwd"),
    "write a file": lambda: open("/tmp/x", "w"),
    "environment of the worker": lambda: open(f"/proc/{parent}/environ"),
    "memory of the worker": lambda: open(f"/proc/{parent}/mem"),
    "list files": lambda: os.listdir("/"),
    "remove a file": lambda: os.unlink("/tmp/x"),
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "end the worker": lambda: os.kill(parent, signal.SIGKILL),
    "stop a thread of the worker": lambda: call("syscall", 234 if sys.maxsize else 0, parent, parent, 9),
    "read the worker by process_vm_readv": lambda: call("process_vm_readv", parent, None, 0, None, 0, 0),
    "trace": lambda: call("ptrace", 16, parent, None, None),
    "limits of the worker": lambda: resource.prlimit(parent, resource.RLIMIT_AS, (1, 1)),
    "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "a namespace": lambda: call("unshare", 0x10000000),
    "another filter": lambda: call("prctl", 22, 2, b"", 0, 0),
    "a keyring": lambda: call("syscall", 250, 0, 0, 0, 0, 0),
}
allowed = {
    "memory": lambda: bytearray(50_000_000),
    "a thread": thread,
    "its own limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, (100, resource.RLIM_INFINITY)),
    "time": lambda: __import__("time").sleep(0.001),
}
thread()
lock_down()
outcomes = {}
for name, attempt in {**attempts, **allowed}.items():
    try:
        attempt()
        outcomes[name] = "done"
    except OSError as error:
        outcomes[name] = error.errno
os.write(1, json.dumps({"denied": list(attempts), "outcomes": outcomes}).encode())
os._exit(0)
"""


def test_nothing_that_reaches_beyond_the_process_is_allowed() -> None:
    run = subprocess.run([sys.executable, "-c", ATTEMPTS], capture_output=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr.decode()
    told = json.loads(run.stdout)
    denied, outcomes = set(told["denied"]), told["outcomes"]
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == outcomes.keys() - denied
    assert {outcomes[name] for name in denied} == {1}, outcomes  # EPERM: the filter's answer, not the system's


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PHOTOMESH_VARIANT_KEY_SECRET", "a secret of the worker")
    return "a secret of the worker"


async def test_decoders_have_no_environment_no_files_and_a_filter(secret: str) -> None:
    async with Sandbox(processes=1) as sandbox:
        await sandbox.process(PHOTO)
        (pid,) = sandbox.pids
        process = Path(f"/proc/{pid}")
        environment = process.joinpath("environ").read_bytes()
        assert secret.encode() not in environment
        assert dict(line.split("=", 1) for line in environment.decode().split("\0") if line) == dict(ENVIRONMENT)
        files = {int(link.name): str(link.readlink()) for link in process.joinpath("fd").iterdir()}
        assert {name: path for name, path in files.items() if name < 3} == dict.fromkeys(range(3), "/dev/null")
        assert [path.split(":")[0] for name, path in files.items() if name >= 3] == ["socket"]
        status = dict(
            line.split(":\t") for line in process.joinpath("status").read_text().splitlines() if ":\t" in line
        )
        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")


async def test_each_of_them_is_locked_down_also_those_of_one_photo() -> None:
    """AVIF and HEIC have a process of their own, which ends with the photo."""
    large = photos.photo("avif", 3000, 2000)
    seen: set[str] = set()
    async with Sandbox(processes=2) as sandbox:
        idle = sandbox.pids
        attempt = asyncio.create_task(sandbox.process(large))
        while not attempt.done():
            for pid in sandbox.pids - idle:
                with contextlib.suppress(OSError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    seen |= {line for line in status.splitlines() if line.startswith("Seccomp:")}
            await asyncio.sleep(0.001)
        assert isinstance(attempt.result(), Processed)
    assert "Seccomp:\t2" in seen


async def test_locked_down_decoders_do_all_that_the_pipeline_does() -> None:
    """A library that opens a file only when it needs it would fail where it has been locked down."""
    data = [path.read_bytes() for path in sorted(CASES.rglob("*.*")) if path.suffix not in (".md",)]
    data += [photos.photo(kind, 300, 200) for kind in photos.KINDS]
    data += [
        photos.encode(kind, photos.scene(64, 64), icc_profile=photos.icc_profile(photos.ADOBE_RGB))
        for kind in photos.KINDS
    ]
    assert len(data) > 70
    async with Sandbox(processes=2) as sandbox:
        for photo, outcome in zip(data, await asyncio.gather(*map(sandbox.process, data)), strict=True):
            assert _timeless(outcome) == _timeless(process(photo))


def _timeless(outcome: Processed | Rejected) -> Processed | Rejected:
    """JSON has no tuples, and no two runs take the same time."""
    if isinstance(outcome, Rejected):
        return replace(outcome, decoder_seconds=0.0)
    return replace(outcome, seconds={}, decoder_seconds=0.0, private=json.loads(json.dumps(outcome.private)))


# What the worker believes ------------------------------------------------------------------------------------------


class _NoServer(ForkServer):
    def __init__(self) -> None:
        super().__init__(Limits())


@contextlib.contextmanager
def answered(answer: Callable[[socket.socket], None], *, seconds: float = 5.0) -> Iterator[Decoder]:
    """A decoder whose process has been taken over, and answers by itself."""
    ours, theirs = socket.socketpair()
    exit_code, write = os.pipe()

    def hostile() -> None:
        with theirs, contextlib.suppress(OSError):
            theirs.recv(len(PHOTO) + 8, socket.MSG_WAITALL)
            answer(theirs)

    thread = threading.Thread(target=hostile)
    thread.start()
    try:
        yield Decoder(_NoServer(), 0, ours, exit_code, seconds)
    finally:
        ours.close()
        os.close(exit_code)
        os.close(write)
        thread.join()


def honest() -> tuple[dict[str, Any], bytes]:
    """The header and the pictures of an answer to a photo."""
    encoded = protocol.encode_outcome(process(PHOTO))
    length, _ = struct.unpack_from(">II", encoded)
    return json.loads(encoded[8 : 8 + length]), encoded[8 + length :]


def framed(header: bytes, pictures: bytes = b"") -> bytes:
    return struct.pack(">II", len(header), len(pictures)) + header + pictures


class Exploit:
    """What unpickling this runs."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.putenv, ("PHOTOMESH_TAKEN_OVER", "yes")  # type: ignore[return-value]


def changed(**changes: Any) -> bytes:
    header, pictures = honest()
    header["ready"] |= changes
    return framed(json.dumps(header).encode(), pictures)


def variants(**changes: Any) -> list[dict[str, Any]]:
    header, _ = honest()
    first, *others = header["ready"]["variants"]
    return [first | changes, *others]


def camera(**changes: Any) -> dict[str, Any]:
    header, _ = honest()
    return dict(header["ready"]["camera"] | changes)


def test_an_honest_answer_is_believed() -> None:
    header, pictures = honest()
    with answered(partial(_send, framed(json.dumps(header).encode(), pictures))) as decoder:
        assert _timeless(decoder.process(PHOTO)) == _timeless(process(PHOTO))


@pytest.mark.parametrize(
    "answer",
    [
        framed(pickle.dumps(Exploit())),
        struct.pack(">II", 2**32 - 1, 0),
        struct.pack(">II", 2, 2**32 - 1),
        framed(b"[" * 1_000_000),
        framed(b'{"ready":' * 100_000),
        framed(b"{}"),
        framed(b'{"rejected": {"code": "no such reason", "detail": "", "type": null}}'),
        framed(b'{"rejected": {"code": "corrupt", "detail": "", "type": null}}', b"more"),
        framed(b'{"failed": "an exception"}'),
        framed(b'\xff\xfe{"ready": {}}'),
        changed(width=0),
        changed(width=10**9),
        changed(width="wide"),
        changed(sha256="x" * 64),
        changed(phash="0" * 15),
        changed(placeholder="A" * 10_000),
        changed(type="image/gif"),
        changed(seconds={"a label of its own": 1.0}),
        changed(seconds={"decode": float("nan")}),
        changed(private={"exif": float("inf")}),
        changed(private={"exif": "\ud800"}),
        changed(private=[1]),
        changed(more="of it"),
        changed(variants=[]),
        changed(variants=variants(bytes=10**9)),
        changed(variants=variants(bytes=-1)),
        changed(variants=variants(size=640)),
        changed(variants=variants(width=5000)),
        changed(variants=variants(bytes=10)),
        changed(camera=camera(model="x" * 1000)),
        changed(camera=camera(taken_at="2026-99-99T99:99:99")),
        changed(camera=camera(exposure="<script>")),
        changed(camera=camera(iso=-1)),
    ],
    ids=lambda answer: repr(answer[8:40]),
)
def test_an_answer_that_cannot_be_is_an_error_of_one_attempt(answer: bytes) -> None:
    with answered(partial(_send, answer)) as decoder, pytest.raises(DecoderCrashed):
        decoder.process(PHOTO)
    assert "PHOTOMESH_TAKEN_OVER" not in os.environ


def _send(data: bytes, peer: socket.socket) -> None:
    peer.sendall(data)


def test_an_answer_that_ends_early_is_a_death() -> None:
    header, pictures = honest()
    answer = framed(json.dumps(header).encode(), pictures)
    for length in (0, 3, 20, len(answer) - 1):
        with answered(partial(_send, answer[:length])) as decoder, pytest.raises(EOFError):
            decoder.process(PHOTO)


def test_an_answer_that_trickles_is_waited_for_no_longer_than_for_any() -> None:
    def trickle(peer: socket.socket) -> None:
        for byte in struct.pack(">II", 1000, 0) + bytes(1000):
            peer.send(bytes([byte]))
            time.sleep(0.05)

    started = time.monotonic()
    with answered(trickle, seconds=0.5) as decoder, pytest.raises(DecoderTimedOut):
        decoder.process(PHOTO)
    assert time.monotonic() - started < 30  # all bytes take 50


async def test_a_process_that_takes_no_photo_is_ended() -> None:
    """The photo is larger than what fits into a socket."""
    async with Sandbox(processes=1, limits=Limits(wall_seconds=0.5)) as sandbox:
        (pid,) = sandbox.pids
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(DecoderTimedOut):
            await asyncio.wait_for(sandbox.process(PHOTO + bytes(20_000_000)), 10)
        assert isinstance(await sandbox.process(PHOTO), Processed)


# The fork server ---------------------------------------------------------------------------------------------------


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_fork_server_that_has_died_is_started_again() -> None:
    async with Sandbox(processes=1) as sandbox:
        (pid,) = sandbox.pids
        os.kill(parent_of(pid), signal.SIGKILL)
        await eventually(lambda: _gone({pid}))
        with pytest.raises(DecoderCrashed):
            await sandbox.process(PHOTO)
        assert isinstance(await sandbox.process(PHOTO), Processed)
        assert isinstance(await sandbox.process(photos.photo("heic", 160, 120)), Processed)


async def _gone(pids: set[int]) -> bool:
    return not any(map(running, pids))


WORKER = """
import asyncio, os, sys
from photomesh_media_worker.sandbox.pool import Sandbox

async def main():
    async with Sandbox(processes=2) as sandbox:
        print(*sandbox.pids, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_nothing_is_left_behind_by_a_worker_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        pids = {int(pid) for pid in worker.stdout.readline().split()}
        everything = pids | {parent_of(pid) for pid in pids}
        assert len(everything) == 3
        worker.kill()
    await eventually(lambda: _gone(everything))


async def test_a_signal_to_the_whole_group_does_not_end_a_photo_that_was_begun() -> None:
    """Supervisors and terminals send SIGTERM and SIGINT to every process of a program."""
    async with Sandbox(processes=1) as sandbox:
        (pid,) = sandbox.pids
        for each in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, each)
            os.kill(parent_of(pid), each)
        assert isinstance(await sandbox.process(PHOTO), Processed)
        assert sandbox.pids == {pid}
