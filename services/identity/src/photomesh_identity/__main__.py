"""``python -m photomesh_identity``: accounts, log-ins and profiles over HTTP, and the relay of their events."""

from __future__ import annotations

from photomesh_identity.app import create_app
from photomesh_identity.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("identity", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
