"""Encryption and VAPID, held to the RFCs' own examples and to libraries that we do not use ourselves."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from py_vapid import Vapid02
from pywebpush import WebPusher

from photomesh_notification.push.encryption import MAX_PLAINTEXT, encrypt, public_bytes
from photomesh_notification.push.vapid import VapidSigner, private_key_from, public_key_text
from tests.support.clock import FakeClock


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())


def test_the_example_of_rfc_8291() -> None:
    """https://www.rfc-editor.org/rfc/rfc8291#section-5"""
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        unb64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        unb64("BTBZMqHH6r4Tts7J_aSIgg"),
        sender=private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        padded_to=0,
    )

    assert body == unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("length", [0, 1, 41, 1_023, 1_024, 1_025, MAX_PLAINTEXT])
def test_another_implementation_decrypts_it(length: int) -> None:
    device, auth, plaintext = ec.generate_private_key(ec.SECP256R1()), os.urandom(16), os.urandom(length)

    body = encrypt(plaintext, public_bytes(device.public_key()), auth)

    assert http_ece.decrypt(body, private_key=device, auth_secret=auth, version="aes128gcm") == plaintext
    assert len(body) <= 4_096


def test_short_messages_have_one_length() -> None:
    device, auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    p256dh = public_bytes(device.public_key())

    assert len({len(encrypt(b"x" * length, p256dh, auth)) for length in (1, 100, 1_000)}) == 1


def test_each_message_has_keys_of_its_own() -> None:
    device, auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    p256dh = public_bytes(device.public_key())

    one, other = encrypt(b"same", p256dh, auth), encrypt(b"same", p256dh, auth)

    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]


def test_the_library_that_we_do_not_use_makes_the_same_record() -> None:
    device, auth = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    p256dh = public_bytes(device.public_key())
    keys = {"p256dh": _b64(p256dh), "auth": _b64(auth)}
    theirs = WebPusher({"endpoint": "https://push.example.org/", "keys": keys}).encode(b"hello")["body"]

    ours = encrypt(b"hello", p256dh, auth, padded_to=0)

    assert len(ours) == len(theirs)
    assert ours[16:21] == theirs[16:21]  # record size and length of the key


def test_what_is_no_key_is_refused() -> None:
    p256dh = public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key())
    for wrong in (b"", b"\x04" * 65, p256dh[:-1], b"\x02" + p256dh[1:], b"\x04" + bytes(64)):
        with pytest.raises(ValueError):
            encrypt(b"", wrong, bytes(16))
    for secret in (b"", bytes(15), bytes(17)):
        with pytest.raises(ValueError):
            encrypt(b"", p256dh, secret)
    with pytest.raises(ValueError):
        encrypt(bytes(MAX_PLAINTEXT + 1), p256dh, bytes(16))


ENDPOINT = "https://push.example.org:8443/wpush/v2/abc?d=e"


def signer(clock: FakeClock) -> VapidSigner:
    return VapidSigner(private_key_from("secret"), "https://photomesh.example.net", clock)


def test_a_token_is_for_the_origin_of_the_endpoint_and_lives_for_twelve_hours_at_most() -> None:
    key = private_key_from("secret")
    header = signer(FakeClock(datetime(2026, 11, 21, 10, 0, tzinfo=UTC))).authorization(ENDPOINT)
    token, public = (part.partition("=")[2] for part in header.removeprefix("vapid ").split(","))

    decoded = jwt.decode(token, ECKey.import_key(key.public_key()), algorithms=["ES256"])

    assert decoded.claims == {
        "aud": "https://push.example.org:8443",
        "exp": int(datetime(2026, 11, 21, 22, 0, tzinfo=UTC).timestamp()),
        "sub": "https://photomesh.example.net",
    }
    assert decoded.header == {"typ": "JWT", "alg": "ES256"}
    assert unb64(public) == public_bytes(key.public_key())


def test_another_implementation_verifies_it() -> None:
    header = signer(FakeClock(datetime.now(UTC))).authorization(ENDPOINT)

    assert Vapid02.verify(header)


async def test_tokens_are_kept_by_origin_and_renewed_before_they_expire() -> None:
    clock = FakeClock()
    vapid = signer(clock)
    first = vapid.authorization(ENDPOINT)

    assert vapid.authorization("https://push.example.org:8443/another") == first
    assert vapid.authorization("https://push.example.org/another") != first
    await clock.advance(10.9 * 3600)
    assert vapid.authorization(ENDPOINT) == first
    await clock.advance(0.2 * 3600)
    assert vapid.authorization(ENDPOINT) != first


def test_the_key_follows_from_the_secret() -> None:
    one, again, other = (public_key_text(private_key_from(secret)) for secret in ("a" * 64, "a" * 64, "b" * 64))

    assert one == again != other
    assert len(unb64(one)) == 65


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
