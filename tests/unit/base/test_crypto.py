from __future__ import annotations

import pytest

from autoloop.base.crypto import Keyring

OLD, NEW = "a3" * 20 + "old-key-7", "b4" * 20 + "new-key-9"


def test_a_token_is_good_for_its_purpose_only_and_survives_rotation() -> None:
    token = Keyring([OLD]).sign("unsubscribe", {"id": 7})
    assert Keyring([OLD]).verify("unsubscribe", token) == {"id": 7}
    assert Keyring([NEW, OLD]).verify("unsubscribe", token) == {"id": 7}
    assert Keyring([OLD]).verify("open", token) is None
    assert Keyring([NEW]).verify("unsubscribe", token) is None


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.split(".")[0], lambda t: t[:-20], lambda _: "."],
)
def test_a_changed_token_is_none(change) -> None:
    keyring = Keyring([OLD])
    assert keyring.verify("open", change(keyring.sign("open", [1, 2]))) is None


def test_a_sealed_secret_opens_with_any_key_of_the_ring_and_no_other() -> None:
    sealed = Keyring([OLD]).seal("smtp", b"hunter2")
    assert b"hunter2" not in sealed
    assert Keyring([NEW, OLD]).open("smtp", sealed) == b"hunter2"
    for keyring, purpose, octets in (
        (Keyring([NEW]), "smtp", sealed),
        (Keyring([OLD]), "http", sealed),
        (Keyring([OLD]), "smtp", sealed[:-1] + b"\x00"),
        (Keyring([OLD]), "smtp", b"\x01short"),
    ):
        with pytest.raises(ValueError, match="secret"):
            keyring.open(purpose, octets)


def test_sealing_twice_shows_nothing_of_sameness() -> None:
    assert Keyring([OLD]).seal("smtp", b"x") != Keyring([OLD]).seal("smtp", b"x")
