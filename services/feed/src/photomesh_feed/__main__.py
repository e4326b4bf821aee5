"""``python -m photomesh_feed``: home feeds over HTTP."""

from __future__ import annotations

from photomesh_feed.app import create_app
from photomesh_feed.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("feed", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
