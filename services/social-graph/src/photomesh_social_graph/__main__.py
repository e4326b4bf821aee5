"""``python -m photomesh_social_graph``: who follows, blocks and mutes whom, over HTTP, and the relay of its events. The
consumer is ``python -m photomesh_social_graph.consumer``."""

from __future__ import annotations

from photomesh_shared import observability
from photomesh_shared.http import run
from photomesh_social_graph.app import create_app
from photomesh_social_graph.settings import Settings


def main() -> None:
    settings = Settings()
    observability.configure("social-graph", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
