"""Who listens on which TCP port, from /proc: to name the holder of a taken port, and to prove what is open."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    address: IPv4Address | IPv6Address
    port: int
    inode: int


def listeners() -> list[Listener]:
    """Every listening TCP socket of this network namespace."""
    found: list[Listener] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):  # no IPv6 here
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    host, port = fields[1].split(":")
                    found.append(Listener(_address(host), int(port, 16), int(fields[9])))
    return found


def _address(hexadecimal: str) -> IPv4Address | IPv6Address:
    """The kernel prints an address as 32-bit words in the machine's own byte order."""
    words = [int(hexadecimal[start : start + 8], 16) for start in range(0, len(hexadecimal), 8)]
    address = ip_address(b"".join(struct.pack("=I", word) for word in words))
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def sockets_of(pid: int) -> set[int]:
    """Inodes of the sockets that a process holds."""
    inodes: set[int] = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    inodes.add(int(target[8:-1]))
    return inodes


def descendants(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for number, parent in _parents():
        children.setdefault(parent, []).append(number)
    family = [pid]
    for member in family:  # grows while it is walked
        family += children.get(member, [])
    return family


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                yield int(folder.name), int(fields[1])


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def holder(port: int) -> str:
    """The process that listens on a port, for a person: `1234 (redis-server …)`."""
    inodes = {listener.inode for listener in listeners() if listener.port == port}
    for pid, _parent in _parents():
        if inodes & sockets_of(pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"process {pid} ({words.strip()[:80]})"
    return "a process of somebody else"
