"""Programs for Node in tests: packages as their lock pins them, and a visible skip where Node is missing."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.support.tools import lack

__all__ = ["node", "packages"]

_OLDEST = 18  # Debian 12's


def node() -> str:
    """Return the path of Node, or skip the test where it or npm is missing or too old."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        lack("Node and npm are not installed (Debian: apt-get install nodejs npm)")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST:
        lack(f"Node {version} is older than {_OLDEST}")
    return found


def packages(folder: Path) -> None:
    """Install the packages of the folder's lock beside it, unless they are there."""
    node()
    key = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".complete"
    with (folder / "package.json").open() as lock:  # two test runs in one checkout install one after the other
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == key:
            return
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"npm ci in {folder}: {done.stderr}"
        stamp.write_text(key)
