"""``python -m photomesh_media_worker``: makes the public sizes of photos, and publishes the outcome of each."""

from __future__ import annotations

from photomesh_media_worker.event_handlers import LANES
from photomesh_media_worker.settings import Settings
from photomesh_media_worker.wiring import open_subscription
from photomesh_shared.consumer import run_consumer


def main() -> None:
    settings = Settings()
    run_consumer(LANES[settings.lane].group, settings, open_subscription)


if __name__ == "__main__":
    main()
