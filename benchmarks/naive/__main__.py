"""``python -m benchmarks.naive``: serves the naive design. Its variables are in `settings`."""

from __future__ import annotations

import uvicorn

from benchmarks.naive.app import create_app
from benchmarks.naive.settings import Settings


def main() -> None:
    settings = Settings()  # from the environment
    uvicorn.run(
        create_app(settings),
        host="127.0.0.1",
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
