"""Cutting the connections of another process."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.faults.connections import can_cut, cut

_SERVER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        print("accepted", flush=True)
        print(connection.recv(1), flush=True)
"""


@pytest.mark.skipif(not can_cut(), reason="this machine does not let a process reach into another")
def test_connections_end_and_the_process_goes_on_listening() -> None:
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    assert process.stdout.readline() == "accepted\n"
                    assert cut(process.pid) == 1
                    assert client.recv(1) == b""
                    assert process.stdout.readline() == "b''\n"
        finally:
            process.kill()
