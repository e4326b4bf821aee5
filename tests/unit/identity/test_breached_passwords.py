"""Passwords that are known from data breaches."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from photomesh_identity.breached_passwords import main
from photomesh_identity.credentials.breached import BreachedPasswords, is_widely_known
from photomesh_identity.credentials.domain import check_new_password


@pytest.mark.parametrize("password", ["iloveyou123", "ILoveYou123", "qwertyuiop", "letmein1234"])
def test_widely_known_passwords_are_refused(password: str) -> None:
    assert is_widely_known(password)
    with pytest.raises(ValueError, match=r"breach|easy to guess"):
        check_new_password(password)


def test_others_are_taken() -> None:
    assert check_new_password("correct horse battery") == "correct horse battery"


def _sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


@pytest.mark.parametrize("form", ["passwords", "hashes", "hashes in order"])
def test_an_operators_list_becomes_a_file_that_finds_each(tmp_path: Path, form: str) -> None:
    known = [f"known password {number}" for number in range(1_000)]
    lines = known if form == "passwords" else [f"{_sha1(password)}:{number}" for number, password in enumerate(known)]
    lines = sorted(lines) if form == "hashes in order" else random.Random(1).sample(lines, len(lines))
    source, file = tmp_path / "list.txt", tmp_path / "breached.bin"
    source.write_text("\r\n".join([*lines, lines[-1], ""]))
    assert main([str(source), str(file)]) == 0
    assert file.stat().st_size == 8 * len(known)
    breached = BreachedPasswords(file)
    assert all(password in breached for password in known)
    assert not any(f"unknown password {number}" in breached for number in range(1_000))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    for content in ("", "password1"):
        file.write_text(content)
        with pytest.raises(ValueError):
            BreachedPasswords(file)
    assert main([]) == 2
