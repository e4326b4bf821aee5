"""Whose request it is, by address."""

from __future__ import annotations

import pytest

from photomesh_gateway.addresses import ClientAddresses, rate_key


def scope(peer: str | None, *headers: tuple[str, str]) -> dict[str, object]:
    return {
        "client": (peer, 1234) if peer else None,
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }


def seen(addresses: ClientAddresses, peer: str | None, *headers: tuple[str, str]) -> tuple[str, dict[str, str]]:
    asked = scope(peer, *headers)
    return addresses.of_request(asked, {name.encode(): value.encode() for name, value in headers})


def test_nobody_is_believed_by_default() -> None:
    client, told = seen(
        ClientAddresses(),
        "192.0.2.7",
        ("host", "api.example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
    )
    assert client == "192.0.2.7"
    assert told == {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Host": "api.example",
        "X-Forwarded-Proto": "http",
    }


ours = ClientAddresses(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.7", "6.6.6.6", "192.0.2.7"),  # not our proxy
        ("10.0.0.1", "198.51.100.3", "198.51.100.3"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.3", "198.51.100.3"),  # the client wrote the first itself
        ("10.0.0.1", "198.51.100.3, 10.1.1.1", "198.51.100.3"),  # two proxies of ours
        ("10.0.0.1", "10.2.2.2, 10.1.1.1", "10.2.2.2"),  # someone inside
        ("10.0.0.1", "198.51.100.3:50123", "198.51.100.3"),
        ("10.0.0.1", "[2001:db8::5]:443", "2001:db8::5"),
        ("10.0.0.1", "2001:DB8:0::5", "2001:db8::5"),
        ("10.0.0.1", "::ffff:198.51.100.3", "198.51.100.3"),
        ("fd00::1", "198.51.100.3", "198.51.100.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.3, junk", "10.0.0.1"),
    ],
)
def test_trusted_proxies_are_believed_as_far_as_they_go(peer: str, forwarded_for: str, client: str) -> None:
    assert seen(ours, peer, ("x-forwarded-for", forwarded_for))[0] == client


@pytest.mark.parametrize(
    ("hops", "forwarded_for", "client"),
    [
        (1, "198.51.100.3", "198.51.100.3"),
        (1, "6.6.6.6, 198.51.100.3", "198.51.100.3"),  # the client wrote the first itself
        (1, "6.6.6.6, 10.0.0.9", "10.0.0.9"),  # a client within our network
        (2, "6.6.6.6, 198.51.100.3, 203.0.113.8", "198.51.100.3"),
        (2, "198.51.100.3", "198.51.100.3"),
        (2, "6.6.6.6, junk, 203.0.113.8", "203.0.113.8"),
        (1, "", "192.0.2.7"),
    ],
)
def test_proxies_may_be_known_by_their_number(hops: int, forwarded_for: str, client: str) -> None:
    addresses = ClientAddresses(proxy_hops=hops)
    assert seen(addresses, "192.0.2.7", ("x-forwarded-for", forwarded_for))[0] == client


def test_several_fields_are_one_list() -> None:
    headers = (("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.3"))
    assert seen(ours, "10.0.0.1", *headers)[0] == "198.51.100.3"


def test_a_trusted_proxy_also_says_host_and_scheme() -> None:
    headers = (("host", "gateway"), ("x-forwarded-host", "api.example"), ("x-forwarded-proto", "https"))
    assert seen(ours, "10.0.0.1", *headers)[1] == {
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "api.example",
        "X-Forwarded-Proto": "https",
    }


def test_a_unix_socket_has_no_address() -> None:
    assert seen(ClientAddresses(), None)[0] == "unix"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("198.51.100.3", "198.51.100.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_network_is_one_caller(address: str, key: str) -> None:
    assert rate_key(address) == key


def test_a_network_that_is_none() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        ClientAddresses(["nonsense"])
