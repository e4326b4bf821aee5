"""``python -m photomesh_identity``: the HTTP API, and the outbox relay."""

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
