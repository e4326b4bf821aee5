"""Receivers on a loopback address: they count what arrives, and hang or refuse when told to."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["HOST", "PORT", "Receivers", "receivers"]

HOST, PORT = "127.18.0.31", 8443


class Receivers:
    """By path. `arrived`: ids, subjects and times of what was accepted, in order."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.hanging: set[str] = set()
        self.arrived: defaultdict[str, list[tuple[str, str, float]]] = defaultdict(list)
        self.requests = 0

    async def respond(self, request: web.Request) -> web.Response:
        self.requests += 1
        if request.path in self.hanging:
            await asyncio.sleep(60)
        if request.path in self.down:
            return web.Response(status=503)
        event = json.loads(await request.read())
        self.arrived[request.path].append((event["id"], event["subject"], time.time()))
        return web.Response(status=204)


def _certificate(folder: Path) -> Path:
    """A certificate that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Receiver of a benchmark")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def receivers(folder: Path) -> AsyncIterator[tuple[Receivers, Path]]:
    """Listens. Gives also the file of the authority to trust."""
    found = Receivers()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.respond)
    file = _certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, PORT, ssl_context=context).start()
    try:
        yield found, file
    finally:
        await runner.cleanup()
