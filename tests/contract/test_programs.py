"""What is generated from the registry of programs is current, and a mistake in the registry is found."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import ROOT
from photomesh_shared.events import TOPICS
from tools.programs.__main__ import main
from tools.programs.files import REGION_FILES, generated, templates, with_regions

REGISTRY = registry.REGISTRY_FILE.read_text()


def test_what_is_committed_follows_from_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, f"run `make programs`\n{capsys.readouterr().out}"


@pytest.mark.parametrize("path", [path for path in generated() if str(path) not in REGION_FILES], ids=str)
def test_a_generated_file_says_so_on_its_first_lines(path: Path) -> None:
    head = "\n".join((ROOT / path).read_text().splitlines()[:3])
    assert "Written by `make programs`" in head or "written by `make programs`" in head


def test_deployables_are_the_folders_with_a_package() -> None:
    folders = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("services/*/pyproject.toml")} | {"gateway"}
    assert {deployable.folder for deployable in registry.DEPLOYABLES.values()} == folders
    for deployable in registry.DEPLOYABLES.values():
        project = tomllib.loads((ROOT / deployable.folder / "pyproject.toml").read_text())["project"]
        assert project["name"] == f"photomesh-{deployable.name}"


def test_every_group_of_the_catalogue_is_a_consumer_of_the_registry() -> None:
    groups = [program.group for program in registry.PROGRAMS.values() if program.kind == "consumer"]
    assert len(groups) == len(set(groups))
    assert set(groups) == {group for topic in TOPICS.values() for group in topic.consumers}


def test_programs_call_programs_that_answer() -> None:
    for program in registry.PROGRAMS.values():
        assert {registry.PROGRAMS[name].kind for name in program.calls} <= {"http"}


def _loaded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "programs.toml"
    path.write_text(text)
    registry.load(path)


def test_a_field_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="prot"):
        _loaded(tmp_path, REGISTRY.replace("port = 18003", "prot = 18003"))


def test_a_server_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="kafak"):
        _loaded(tmp_path, REGISTRY.replace('"kafka"', '"kafak"', 1))


def test_a_part_that_does_not_end_is_refused() -> None:
    whole = "before\n  # programs:begin members\n  old\n  # programs:end\nafter\n"
    assert '  "services/post",\n' in with_regions(whole, templates())
    with pytest.raises(ValueError, match="programs:end"):
        with_regions(whole.replace("  # programs:end\n", ""), templates())
