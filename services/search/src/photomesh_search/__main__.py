"""``python -m photomesh_search``: searches over HTTP."""

from __future__ import annotations

from photomesh_search.app import create_app
from photomesh_search.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("search", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
