"""Secrets: made once, for their owner's eyes only."""

from pathlib import Path

import pytest

from photomesh_local.configuration.ports import read_env_file
from photomesh_local.configuration.secrets import NAMES, load_or_create, write_private


def test_they_are_made_on_the_first_run_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    made = load_or_create(file)
    assert set(made) == set(NAMES)
    assert len(set(made.values())) == len(NAMES)
    assert load_or_create(file) == made == read_env_file(file)


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    load_or_create(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_name_that_came_later_is_added_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("REDIS_PASSWORD=kept\nSOMETHING_ELSE=kept too\n")
    made = load_or_create(file)
    assert made["REDIS_PASSWORD"] == "kept"
    assert made["SOMETHING_ELSE"] == "kept too"
    assert set(NAMES) <= set(made)


def test_a_file_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "redis.conf"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "requirepass x")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "requirepass x"


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_long_and_needs_no_quoting_anywhere(tmp_path: Path, name: str) -> None:
    value = load_or_create(tmp_path / "secrets.env")[name]
    assert len(value) == 64
    assert value.isalnum()
