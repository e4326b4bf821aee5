"""``python -m photomesh_post``: the HTTP API."""

from __future__ import annotations

from photomesh_post.app import create_app
from photomesh_post.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("post", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
