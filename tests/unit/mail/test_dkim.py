"""Signatures hold for dkimpy, whatever a body looks like, and break when anything signed is changed."""

from __future__ import annotations

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.mail.dkim import ALGORITHMS, Signer, new_key, public_record, sign

KEYS = {algorithm: new_key(algorithm) for algorithm in ALGORITHMS}
HEAD = (
    b'From: Ada <ada@bench.example>\r\nTo: "Grace, H."\r\n <grace@example.org>\r\n'
    b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n  and   more\r\nMessage-ID: <1@bench.example>\r\n"
    b"List-Unsubscribe: <https://x.example/t/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
)
BODIES = st.lists(st.text(" \tab.=é", max_size=30).map(str.encode), max_size=12).map(b"\r\n".join)


def verifies(message: bytes, algorithm: str) -> bool:
    record = public_record(KEYS[algorithm]).encode()
    asked: list[bytes] = []

    def txt(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    held = bool(dkim.verify(message, dnsfunc=txt))
    assert not held or asked == [b"s1._domainkey.bench.example."]
    return held


def signed(message: bytes, algorithm: str) -> bytes:
    return sign(message, Signer("bench.example", "s1", algorithm, KEYS[algorithm]))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(body=BODIES)
@settings(max_examples=60, deadline=None)
def test_what_we_sign_verifies(algorithm: str, body: bytes) -> None:
    assert verifies(signed(HEAD + b"\r\n" + body, algorithm), algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Ada <ada@", b"Eve <eve@"),
        (b"One-Click", b"Two-Click"),
        (b"From: Ada", b"From: Eve <eve@x.example>\r\nFrom: Ada"),
    ],
)
def test_what_is_changed_on_the_way_does_not(algorithm: str, old: bytes, new: bytes) -> None:
    message = signed(HEAD + b"\r\nHello  there \r\n\r\n", algorithm)
    assert verifies(message, algorithm)
    assert old in message
    assert not verifies(message.replace(old, new), algorithm)


def test_lines_are_short_and_a_retry_is_the_same_bytes() -> None:
    first, second = (signed(HEAD + b"\r\nHello\r\n", "rsa-sha256") for _ in range(2))
    assert first == second
    assert max(map(len, first.split(b"\r\n"))) <= 100
