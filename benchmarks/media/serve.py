"""A contestant in a process of its own: a path on each line of stdin, the time it took as JSON on stdout.

python -m benchmarks.media.serve pillow
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.media.contestants import Unsupported


def main() -> None:
    os.environ.update(VIPS_CONCURRENCY="1", OPENBLAS_NUM_THREADS="1")
    contestant = importlib.import_module(f"benchmarks.media.contestants.{sys.argv[1]}")
    for line in sys.stdin:
        data = Path(line.rstrip("\n")).read_bytes()
        before = time.process_time()
        try:
            stages = contestant.make(data)
            answer = {"cpu": time.process_time() - before, "stages": dict(stages)}
        except Unsupported:
            answer = {"cpu": None, "stages": {}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
