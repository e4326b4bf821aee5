"""``python -m photomesh_notification.stream``: live streams of notifications."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from photomesh_notification.http.routes import streams
from photomesh_notification.settings import StreamSettings
from photomesh_notification.stream_wiring import open_stream_deps
from photomesh_shared import observability
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app, run
from photomesh_shared.http.event_stream import StreamingApp, streaming_protocol

__all__ = ["create_app"]


def create_app(settings: StreamSettings, clock: Clock | None = None) -> FastAPI:
    """The app, for a `StreamingApp`; its lifespan opens everything."""
    return create_api_app(
        "Photomesh notification stream",
        settings,
        lambda readiness: open_stream_deps(settings, readiness, clock or SystemClock()),
        routers=[streams.router],
        description="What an account hears of.",
    )


def main() -> None:
    settings = StreamSettings()
    observability.configure("notification-stream", settings)
    app = StreamingApp(create_app(settings))

    def on_exit() -> float:
        asyncio.get_running_loop().call_soon_threadsafe(app.drain, settings.drain_streams_seconds)
        return 0.0

    run(app, settings, protocol=streaming_protocol(settings.problem_type_base), on_exit=on_exit)


if __name__ == "__main__":
    main()
