"""``python -m photomesh_gateway``: the public entry point of the API."""

from __future__ import annotations

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

    run(gateway, settings, protocol=gateway_protocol(settings), headers={"Server": "photomesh"}, on_exit=on_exit)


if __name__ == "__main__":
    main()
