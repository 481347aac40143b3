"""What passwords are accepted, and that every character of long ones counts."""

from __future__ import annotations

import bcrypt
import pytest

from autoloop.accounts import passwords
from autoloop.accounts.worst_passwords import WORST


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "ROUNDS", 5)


@pytest.mark.parametrize(
    "password",
    ["short", "123456789", "qwertyuiop", "QWERTYUIOP", "aaaaaaaaaaaaaa", "ada@example.org", "x" * 1001],
)
def test_refused(password):
    assert passwords.faults(password, email="ada@example.org", name="Ada")


@pytest.mark.parametrize(
    "password", ["correct horse 9", "пароль-из-букв", "a b c d e f g", "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵"]
)
def test_accepted_and_checked(password):
    assert not passwords.faults(password, email="ada@example.org", name="Ada")
    kept = passwords.hashed(password)
    assert passwords.check(password, kept)
    assert not passwords.check(password + "!", kept)


def test_the_list_holds_what_the_length_lets_through():
    assert all(len(each) >= passwords.MINIMUM for each in WORST)
    assert all(each == each.casefold() for each in WORST)


@pytest.mark.parametrize("octets", [71, 72, 73, 200])
def test_every_character_counts_however_long(octets):
    password = "a" * (octets - 1) + "b"
    kept = passwords.hashed(password)
    assert passwords.check(password, kept)
    assert not passwords.check("a" * (octets - 1) + "c", kept)
    assert not passwords.check(password[:72] if octets > 72 else password[:-1], kept)


def test_the_same_letters_from_another_keyboard():
    assert passwords.check("cafe\u0301 au lait", passwords.hashed("caf\u00e9 au lait"))


def test_a_damaged_hash_is_no_match():
    assert not passwords.check("whatever it is", "not a hash")


def test_nobody_takes_as_long_as_somebody(monkeypatch):
    """The same work: one bcrypt to its end, of the same cost."""
    monkeypatch.setattr(passwords, "ROUNDS", 6)
    kept = passwords.hashed("correct horse 9")
    done, real = [], bcrypt.checkpw

    def checkpw(password, kept):
        fits = real(password, kept)
        done.append((int(kept.split(b"$")[2]), fits))
        return fits

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    passwords.check("another one", kept)
    passwords.pretend("another one")
    assert done == [(6, False)] * 2
