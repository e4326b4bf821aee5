"""``python -m photomesh_gateway``: the public entry point of the API."""

from __future__ import annotations

import gc

from photomesh_gateway.app import create_app
from photomesh_gateway.connections import gateway_protocol
from photomesh_gateway.settings import Settings
from photomesh_shared import observability
from photomesh_shared.http import run


def main() -> None:
    settings = Settings()
    observability.configure("gateway", settings)
    gateway = create_app(settings)

    def on_exit() -> float:
        gateway.readiness.draining = True
        gateway.drain_streams()
        return settings.drain_delay

    # Everything loaded so far stays loaded: without this each full collection would traverse a hundred thousand objects
    # in vain. And a request creates hardly any cycles, so a collection every few requests is not needed.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
    run(gateway, settings, protocol=gateway_protocol(settings), headers={"Server": "photomesh"}, on_exit=on_exit)


if __name__ == "__main__":
    main()
