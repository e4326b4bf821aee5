"""``python -m photomesh_export``: the HTTP API."""

from __future__ import annotations

from photomesh_export.app import create_app
from photomesh_export.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("export", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
