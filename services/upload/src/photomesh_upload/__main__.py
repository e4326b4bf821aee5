"""``python -m photomesh_upload``: the HTTP API, the outbox relay, and the sweeper."""

from __future__ import annotations

from photomesh_shared import observability
from photomesh_shared.http import run
from photomesh_upload.app import create_app
from photomesh_upload.settings import Settings


def main() -> None:
    settings = Settings()
    observability.configure("upload", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
