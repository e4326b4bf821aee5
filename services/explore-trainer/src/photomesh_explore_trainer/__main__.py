"""``python -m photomesh_explore_trainer``: one run, which the cluster starts every hour.

It judges the model that ranks, moves it on or takes it back, and trains another one once a day. ``--back`` only takes
the newest model away.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from photomesh_explore_trainer.settings import Settings
from photomesh_explore_trainer.wiring import open_trainer
from photomesh_shared import observability
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.stores.object_storage import ObjectReplaced

__all__ = ["main"]


async def run(settings: Settings, *, back: bool) -> str:
    async with open_trainer(settings, SystemClock()) as trainer:
        return await (trainer.go_back() if back else trainer.run())


def main() -> int:
    parser = argparse.ArgumentParser(prog="photomesh_explore_trainer", description=__doc__)
    parser.add_argument("--back", action="store_true", help="take the newest model away")
    back = parser.parse_args().back
    settings = Settings()
    observability.configure("explore-trainer", settings)
    try:
        print(asyncio.run(run(settings, back=back)))
    except ObjectReplaced:
        print("another run has changed the models meanwhile", file=sys.stderr)
        return 1
    except Unavailable as error:
        print(f"{error.detail or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
