"""``python -m photomesh_notification``: the HTTP API."""

from __future__ import annotations

from photomesh_notification.app import create_app
from photomesh_notification.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("notification", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
