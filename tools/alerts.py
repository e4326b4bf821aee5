"""Check the rules' expressions, and test when alerts fire and stay silent, and how many pods consumers want::

    python -m tools.alerts          # what `make check-alerts` runs

Each file in `deploy/k8s/base/monitoring/tests` is a unit test for promtool. Promtool compares annotations too; they are
removed here, so that tests do not depend on wording.

Uses the installed promtool, or extracts it once from Debian's package `prometheus` to `.tools/prometheus`, without
installing the package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

__all__ = ["NoPromtool", "errors", "main"]

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / ".tools" / "prometheus"
MONITORING = ROOT / "deploy" / "k8s" / "base" / "monitoring"
TESTS = MONITORING / "tests"


class NoPromtool(Exception):
    """Promtool is not installed and cannot be downloaded."""

    def __init__(self) -> None:
        super().__init__("promtool is needed: install Debian's package `prometheus`, or Prometheus itself")


def _promtool() -> str:
    """Find promtool, or extract it from Debian's package. Raises NoPromtool."""
    if found := shutil.which("promtool"):
        return found
    own = OWN / "usr" / "bin" / "promtool"
    if not own.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _unpack()
    if not own.exists():
        raise NoPromtool
    return str(own)


def _unpack() -> None:
    OWN.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OWN.parent) as folder:
        download = ["apt-get", "-qq", "download", "prometheus"]
        if not _succeeds(download, folder) and os.geteuid() == 0:
            _succeeds(["apt-get", "-qq", "update"], folder)  # a fresh machine has no package lists
            _succeeds(download, folder)
        for package in Path(folder).glob("*.deb"):
            if _succeeds(["dpkg-deb", "-x", str(package), f"{folder}/all"], folder):
                Path(folder, "all").replace(OWN)  # atomic: another process may look for it


def _succeeds(command: list[str], folder: str) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0  # noqa: S603


def errors() -> list[str]:
    """Return errors of the rules and failures of their tests. Raises NoPromtool."""
    resources = [yaml.safe_load(path.read_text()) for path in sorted(MONITORING.glob("*.yaml"))]
    groups = [group for found in resources if found["kind"] == "PrometheusRule" for group in found["spec"]["groups"]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.yml")
        file.write_text(yaml.safe_dump({"groups": groups}))
        if found := _complaints("check", "rules", str(file)):
            return found
        for group in groups:
            for rule in group["rules"]:
                rule.pop("annotations", None)
        copies = [_with_its_rules(test, groups, Path(folder)) for test in sorted(TESTS.glob("*.yml"))]
        return _complaints("test", "rules", *copies)


def _with_its_rules(test: Path, groups: list[dict[str, Any]], folder: Path) -> str:
    """Copy a file of tests beside the rules that it is about. Returns the copy's path.

    Promtool evaluates every rule for every sample of every test: with all of them that took two minutes of processor.
    """
    own = folder / test.stem
    own.mkdir()
    needed, text = set[str](), test.read_text()
    rules = [rule for group in groups for rule in group["rules"]]
    names = {_name(rule) for rule in rules}
    while named := {name for name in names - needed if re.search(rf"\b{re.escape(name)}\b", text)}:
        needed |= named
        text = " ".join(str(rule["expr"]) for rule in rules if _name(rule) in named)
    kept = [{**group, "rules": [rule for rule in group["rules"] if _name(rule) in needed]} for group in groups]
    (own / "rules.yml").write_text(yaml.safe_dump({"groups": [group for group in kept if group["rules"]]}))
    return str(shutil.copy(test, own))


def _name(rule: dict[str, Any]) -> str:
    name: str = rule.get("alert") or rule["record"]
    return name


def _complaints(*arguments: str) -> list[str]:
    done = subprocess.run([_promtool(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return [] if done.returncode == 0 else [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def main() -> int:
    """Print the errors. Returns 1 if there are any."""
    try:
        found = errors()
    except NoPromtool as error:
        found = [str(error)]
    print(*(found or ["alerts: rules and tests are valid"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
