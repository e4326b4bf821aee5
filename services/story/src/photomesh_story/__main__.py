"""``python -m photomesh_story``: the HTTP API."""

from __future__ import annotations

from photomesh_shared import observability
from photomesh_shared.http import run
from photomesh_story.app import create_app
from photomesh_story.settings import Settings


def main() -> None:
    settings = Settings()
    observability.configure("story", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
