"""``python -m photomesh_media_worker``: makes the public sizes of photos, and says what became of each."""

from __future__ import annotations

from photomesh_media_worker.app import create_app
from photomesh_media_worker.handlers import LANES
from photomesh_media_worker.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure(LANES[settings.lane].group, settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
