"""Tokens of a session: only ours, only of one algorithm, only for their time; keys may be changed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from autoloop.accounts.tokens import ACCESS, Access, AccessTokens, RefreshTokens
from autoloop.base.crypto import Keyring
from autoloop.base.ids import new_id

OLD, NEW = "0123456789abcdef-old-0123456789abcdef", "0123456789abcdef-new-0123456789abcdef"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_access_token_says_which_session_and_ends():
    tokens, session = AccessTokens([NEW]), new_id()
    made = tokens.make(session, 3, NOW)
    assert tokens.read(made, NOW + ACCESS - timedelta(seconds=1)) == Access(session, 3)
    assert tokens.read(made, NOW + ACCESS) is None
    assert timedelta(minutes=10) >= ACCESS


def test_a_new_key_signs_and_the_old_one_still_verifies():
    session = new_id()
    before = AccessTokens([OLD]).make(session, 1, NOW)
    assert AccessTokens([NEW, OLD]).read(before, NOW) == Access(session, 1)
    assert AccessTokens([NEW]).read(before, NOW) is None
    after = AccessTokens([NEW, OLD]).make(session, 1, NOW)
    assert AccessTokens([NEW]).read(after, NOW) == Access(session, 1)


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256", "hs256"])
def test_no_other_algorithm_is_believed(algorithm):
    tokens = AccessTokens([NEW])
    header, claims, signature = tokens.make(new_id(), 1, NOW).split(".")
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    for forged in (signature, ""):
        assert tokens.read(f"{encoded({'alg': algorithm, 'kid': kid})}.{claims}.{forged}", NOW) is None


def test_another_purpose_of_the_same_secret_signs_nothing_here():
    tokens = AccessTokens([NEW])
    kid = json.loads(base64.urlsafe_b64decode(tokens.make(new_id(), 1, NOW).split(".")[0] + "=="))["kid"]
    claims = {"sid": str(new_id()), "epoch": 1, "exp": int(NOW.timestamp()) + 60}
    key = OctKey.import_key(Keyring([NEW]).derive("csrf"))
    assert tokens.read(jwt.encode({"alg": "HS256", "kid": kid}, claims, key), NOW) is None


@pytest.mark.parametrize(
    "rubbish", ["", ".", "..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.", "x" * 5000, "é.é.é"]
)
def test_rubbish_is_no_token(rubbish):
    assert AccessTokens([NEW]).read(rubbish, NOW) is None
    assert RefreshTokens([NEW]).read(rubbish) is None


def test_the_next_refresh_secret_follows_from_this_one_and_from_our_key():
    tokens = RefreshTokens([NEW])
    first = tokens.first()
    assert tokens.after(first) == tokens.after(first) != first
    assert RefreshTokens([OLD]).after(first) != tokens.after(first)
    session = new_id()
    assert tokens.read(tokens.make(session, first)) == (session, first)
    assert RefreshTokens([OLD]).read(tokens.make(session, first)) is None
