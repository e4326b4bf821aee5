"""``python -m photomesh_explore``: explore over HTTP."""

from __future__ import annotations

from photomesh_explore.app import create_app
from photomesh_explore.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("explore", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
