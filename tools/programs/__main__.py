"""Generate files from the registry of programs, `deploy/programs.toml`, and the topic catalogue::

python -m tools.programs            # docker-compose.yml, deploy/k8s/base, lists, tables …
python -m tools.programs --check    # writes nothing; fails if a file is out of date
"""

from __future__ import annotations

import argparse
import sys

from tools.programs.files import ROOT, generated, strays

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.programs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check = parser.parse_args(arguments).check
    files = generated()
    stale = [path for path, text in files.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text]
    left_over = list(strays(files))
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path}")
        if not check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(files[path])
    for path in left_over:
        print(f"{'left over' if check else 'removed'}: {path}")
        if not check:
            (ROOT / path).unlink()
    return 1 if check and (stale or left_over) else 0


if __name__ == "__main__":
    sys.exit(main())
