"""Tokens of mails, and keyed hashes."""

from __future__ import annotations

from photomesh_identity.credentials.tokens import KeyedHash, new_mail_token, token_hash


def test_tokens_are_random_and_stored_as_hashes() -> None:
    token = new_mail_token()
    assert len(token) == 43
    assert token != new_mail_token()
    assert token.encode() not in token_hash(token)


def test_a_keyed_hash_needs_the_key_and_differs_by_purpose() -> None:
    old, new = KeyedHash(["old"]), KeyedHash(["new"])
    assert (
        len({old.current("a", "ada"), new.current("a", "ada"), old.current("b", "ada"), old.current("a", "eve")}) == 4
    )


def test_while_a_key_is_replaced_both_are_looked_for() -> None:
    before, during = KeyedHash(["old"]), KeyedHash(["new", "old"])
    assert before.current("username", "ada") in during.all("username", "ada")
    assert during.current("username", "ada") == KeyedHash(["new"]).current("username", "ada")
