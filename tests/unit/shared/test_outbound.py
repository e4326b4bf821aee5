"""Calls of addresses that strangers named: which are refused, at connect, and how answers are bounded."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from photomesh_local.configuration.receiver import certificate_of
from photomesh_shared.outbound import (
    Answer,
    OutboundClient,
    OutboundPolicy,
    Refused,
    Unreachable,
    authorities,
    check_url,
    is_public,
    open_outbound,
    retry_after,
)
from photomesh_shared.settings import OutboundSettings
from tests.support.https_receiver import Authority, Receiver, https_receiver

PRODUCTION = OutboundPolicy()

HOSTILE = [
    # this machine
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.255.255.254/",
    "https://localhost/",
    "https://localhost:8443/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    # the same, written otherwise
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[0:0:0:0:0:ffff:10.0.0.1]/",
    # translated and tunnelled
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::10.0.0.1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[2001:0:7f00:1::]/",
    # private networks, and those of clusters
    "https://10.0.0.1/",
    "https://10.96.0.1:8443/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[fec0::1]/",
    # link-local: metadata of clouds
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    # reserved, multicast, documentation
    "https://192.0.0.8/",
    "https://192.88.99.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[4000::1]/",
    # not what may be called at all
    "http://example.org/",
    "https://example.org:22/",
    "https://example.org:80/",
    "https://example.org:6379/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://user@example.org/",
    "https://user:password@example.org/",
    "https://example.org@127.0.0.1/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org#@127.0.0.1/",
    "https://exa mple.org/",
    "https://example.org/\r\nHost: internal",
    "https://example.org/\u2028",
    "https://ⓔxample.org/",
    "https://[::1%25lo]/",
    "https://%6cocalhost/",
    "https://[::1/",
    "https:///path",
    "https://",
    "//example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "",
    f"https://example.org/{'a' * 2_000}",
]


@pytest.fixture(scope="module")
async def outbound() -> AsyncIterator[OutboundClient]:
    async with open_outbound(PRODUCTION) as client:
        yield client


@pytest.mark.parametrize("url", HOSTILE)
async def test_hostile_urls_are_refused(outbound: OutboundClient, url: str) -> None:
    with pytest.raises(Refused):
        await post(outbound, url)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "localhost", "1.1.1.1.1", "fe80::1%eth0"])
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/dQw4w9WgXcQ:APA91bH-x_y",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk==",
        "https://web.push.apple.com/QGuQyavXutnMH?x=%2B~",
        "https://push.example.org:8443/up/1",
    ],
)
def test_endpoints_of_push_services_pass_unchanged(url: str) -> None:
    assert str(check_url(url, PRODUCTION)) == url


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def receiver(authority: Authority) -> AsyncIterator[Receiver]:
    """Listens on port 8443 of a loopback address of its own, where production may call public hosts."""
    async with https_receiver(authority, respond, host=own_loopback(), port=8443) as receiver:
        yield receiver


async def test_nothing_connects_to_a_listener_that_is_not_public(receiver: Receiver, authority: Authority) -> None:
    async with open_outbound(PRODUCTION, tls=authority.client()) as client:
        with pytest.raises(Refused):
            await post(client, f"{receiver.url}/secret")
    assert receiver.connections == 0


class Names:
    """Resolves names as a test says; what is not there, the system resolves."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}

    def getaddrinfo(self, host: str, port: int, *rest: Any) -> Any:
        if host not in self.answers:
            return self._system(host, port, *rest)
        of_host = self.answers[host]
        addresses = of_host.pop(0) if len(of_host) > 1 else of_host[0]
        return [found for address in addresses for found in self._system(address, port, *rest)]

    _system = staticmethod(socket.getaddrinfo)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr("photomesh_shared.outbound.client.socket.getaddrinfo", names.getaddrinfo)
    return names


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"]]
)
async def test_names_of_private_addresses_are_refused(
    outbound: OutboundClient, names: Names, addresses: list[str]
) -> None:
    names.answers["inside.example.org"] = [addresses]

    with pytest.raises(Refused):
        await post(outbound, "https://inside.example.org/")


async def test_a_name_that_is_bound_to_another_address_after_the_first_look_gains_nothing(
    receiver: Receiver, authority: Authority, names: Names
) -> None:
    names.answers["rebinding.example.org"] = [[receiver.host]]
    async with open_outbound(PRODUCTION, tls=authority.client()) as client:
        check_url("https://rebinding.example.org:8443/", PRODUCTION)  # as at the registration, when it was public

        with pytest.raises(Refused):
            await post(client, "https://rebinding.example.org:8443/")

    assert receiver.connections == 0


def allowing(receiver: Receiver) -> OutboundPolicy:
    return OutboundPolicy(frozenset({(receiver.host, receiver.port)}))


async def test_a_receiver_of_a_test_is_called_and_its_neighbours_are_not(
    receiver: Receiver, authority: Authority
) -> None:
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        answer = await post(client, f"{receiver.url}/echo?a=%2B")
        with pytest.raises(Refused):
            await post(client, "https://127.0.0.1:8443/")

    assert (answer.status, answer.body) == (200, b"/echo?a=%2B hello")


async def test_a_certificate_of_an_unknown_authority_or_for_another_name_is_not_accepted(
    receiver: Receiver, authority: Authority, names: Names
) -> None:
    names.answers["other.example.org"] = [[receiver.host]]
    async with open_outbound(allowing(receiver)) as client:
        with pytest.raises(Unreachable, match="Certificate"):
            await post(client, receiver.url)
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        with pytest.raises(Unreachable, match="Certificate"):
            await post(client, f"https://other.example.org:{receiver.port}/")


async def test_redirects_are_answers(receiver: Receiver, authority: Authority) -> None:
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        answer = await post(client, f"{receiver.url}/redirect")

    assert answer.status == 307
    assert answer.headers["location"] == "https://169.254.169.254/"


async def test_of_an_answer_the_beginning_is_read(receiver: Receiver, authority: Authority) -> None:
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        endless = await post(client, f"{receiver.url}/endless")
        again = await post(client, f"{receiver.url}/echo")

    assert endless.body == b"x" * 4_096
    assert again.body == b"/echo hello"


async def test_compressed_answers_are_not_unpacked(receiver: Receiver, authority: Authority) -> None:
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        answer = await post(client, f"{receiver.url}/compressed")

    assert answer.body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("path", ["/silent", "/dripping"])
async def test_the_deadline_is_that_of_the_whole_request(receiver: Receiver, authority: Authority, path: str) -> None:
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        with pytest.raises(Unreachable, match="Timeout"):
            await client.post(f"{receiver.url}{path}", b"", headers={}, seconds=0.3)


async def test_broken_connections_and_closed_ports_are_unreachable(receiver: Receiver, authority: Authority) -> None:
    closed = OutboundPolicy(frozenset({(receiver.host, receiver.port), (receiver.host, 1)}))
    async with open_outbound(closed, tls=authority.client()) as client:
        with pytest.raises(Unreachable):
            await post(client, f"{receiver.url}/reset")
        with pytest.raises(Unreachable):
            await post(client, f"https://{receiver.host}:1/")


async def test_the_environment_names_no_proxy(
    receiver: Receiver, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with open_outbound(allowing(receiver), tls=authority.client()) as client:
        assert (await post(client, f"{receiver.url}/echo")).status == 200


def test_production_does_not_start_with_an_allowance() -> None:
    allowed: dict[str, Any] = {"outbound_test_receivers": ["127.0.0.1:8444"]}

    with pytest.raises(ValidationError, match="in production"):
        OutboundSettings(env="production", **allowed)
    settings = OutboundSettings(env="test", **allowed)
    assert OutboundPolicy.of(settings).allows("127.0.0.1", 8444)
    assert not OutboundPolicy.of(settings).allows("127.0.0.1", 443)
    assert not OutboundPolicy.of(OutboundSettings(env="production")).allows("127.0.0.1", 443)


# --- Support ------------------------------------------------------------------------------------------------------


async def post(client: OutboundClient, url: str) -> Answer:
    return await client.post(url, b"hello", headers={}, seconds=20)


def own_loopback() -> str:
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


async def respond(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/redirect":
            return web.Response(status=307, headers={"Location": "https://169.254.169.254/"})
        case "/endless" | "/dripping":
            endless = request.path == "/endless"
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(10_000):
                try:
                    await response.write(b"x" * (65_536 if endless else 1))
                except ConnectionError:
                    break
                await asyncio.sleep(0 if endless else 0.01)
            return response
        case "/compressed":
            compressed = web.Response(body=b"x" * 100_000)
            compressed.enable_compression(web.ContentCoding.gzip)
            return compressed
        case "/silent":
            await asyncio.sleep(60)
        case "/reset":
            assert request.transport is not None
            request.transport.abort()
    return web.Response(text=f"{request.path_qs} {(await request.read()).decode()}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("999999999999999999999", 6 * 3600),
        ("Sat, 21 Nov 2026 10:05:00 GMT", 300),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0),
        ("Sat, 21 Nov 2099 09:00:00 GMT", 6 * 3600),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(text: str | None, seconds: int | None) -> None:
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    found = retry_after(text, now, longest=timedelta(hours=6))
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_production_trusts_no_authority_of_tests(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="OUTBOUND_TEST_AUTHORITY is set in production"):
        OutboundSettings(env="production", outbound_test_authority=str(tmp_path / "ca.pem"))


async def test_the_certificate_of_a_local_receiver_vouches_for_it_alone(tmp_path: Path) -> None:
    """And is trusted besides the system's authorities, not instead."""
    certificate = certificate_of(tmp_path, "127.0.0.1")
    assert certificate_of(tmp_path, "127.0.0.1").read_bytes() == certificate.read_bytes()
    assert certificate.stat().st_mode & 0o077 == 0
    settings = OutboundSettings(env="local", outbound_test_authority=str(certificate))
    trusted = authorities(settings).cert_store_stats()["x509"]
    assert trusted == ssl.create_default_context().cert_store_stats()["x509"] + 1

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    policy = OutboundPolicy(frozenset({("127.0.0.1", port)}))
    async with server, open_outbound(policy, tls=authorities(settings)) as client:
        found = await client.post(f"https://127.0.0.1:{port}/", b"", headers={}, seconds=20)
    assert found.status == 204
