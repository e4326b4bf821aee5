"""``python -m photomesh_webhook``: the HTTP API, and the outbox relay."""

from __future__ import annotations

from photomesh_shared import observability
from photomesh_shared.http import run
from photomesh_webhook.app import create_app
from photomesh_webhook.settings import Settings


def main() -> None:
    settings = Settings()
    observability.configure("webhook", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
