"""``python -m tests.support.webhook.receiver_process HOST PORT CERTIFICATE JOURNAL PAUSE``: see `mortal_receiver`.

Imports little, so that it is there again at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys

_ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


async def serve(host: str, port: int, certificate: str, journal: str, pause: float) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(what: str, headers: dict[str, str], body: bytes) -> None:
        line = {"what": what, "headers": headers, "body": base64.b64encode(body).decode()}
        os.write(file, json.dumps(line).encode() + b"\n")  # by one call: there is no half a line

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        note("arrived", headers, body)
        await asyncio.sleep(pause)
        note("accepted", headers, body)
        writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(respond, host, port, ssl=tls)
    note("listening", {}, b"")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])))
