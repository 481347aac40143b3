"""Values, addresses and guarded cells: what people write, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.businesses.addresses import BadAddress, normal_domain, normal_email
from autoloop.businesses.formulas import guard, unguard
from autoloop.businesses.values import FieldType, parse_timezone, split_name


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("number", "1,234.50", 1234.5),
        ("number", "1.234,5", 1234.5),
        ("number", " 12 ", 12),
        ("number", 3.0, 3),
        ("boolean", "Ja", True),
        ("boolean", "0", False),
        ("date", "31.12.2026", "2026-12-31"),
        ("date", "12/31/2026", "2026-12-31"),
        ("date", "2026-12-31T10:00:00Z", "2026-12-31"),
        ("choice", "PRO", "Pro"),
        ("text", 5, "5"),
        ("text", "", None),
    ],
)
def test_values_become_their_kind(kind, value, kept) -> None:
    found = FieldType(kind, ("Free", "Pro"))(value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "about 5"),
        ("number", True),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", 10**20),
        ("boolean", "perhaps"),
        ("date", "03/04/2026"),
        ("date", "31.02.2026"),
        ("date", "2026-12-31st"),
        ("choice", "Gold"),
        ("text", ["a"]),
        ("text", "x" * 10_001),
    ],
)
def test_values_that_do_not_fit_are_refused(kind, value) -> None:
    with pytest.raises(ValueError, match=r"."):
        FieldType(kind, ("Free", "Pro"))(value)


@given(st.sampled_from(["text", "number", "boolean", "date", "choice"]), st.text(max_size=60))
def test_no_text_breaks_a_field(kind: str, value: str) -> None:
    try:
        FieldType(kind, ("a",))(value)
    except ValueError as error:
        assert str(error)


def test_addresses() -> None:
    assert normal_email(" Ada <Ada@ACME.Example> ") == ("Ada@ACME.Example", "ada@acme.example")
    assert normal_email("mailto:a@b.example")[1] == "a@b.example"
    assert normal_email("a@müller.example")[1] == "a@xn--mller-kva.example"
    bad = [
        "",
        "@",
        "a@b",
        "a b@c.example",
        "a@b..example",
        ".a@b.example",
        "a@-b.example",
        "a@b.example,c@d.example",
    ]
    for each in [*bad, "zoë@a.example", f"{'x' * 65}@a.example", f"a@{'b.' * 130}example"]:
        with pytest.raises(BadAddress):
            normal_email(each)
    for given_, domain in [
        ("https://www.Acme.example/about?x#y", "acme.example"),
        ("http://user@acme.example:8080", "acme.example"),
        ("WWW.acme.example.", "acme.example"),
        ("https://www.acme.example/", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ]:
        assert normal_domain(given_) == domain
    for each in ["", "acme", "http://", "a b.example", "-a.example"]:
        with pytest.raises(BadAddress):
            normal_domain(each)


@given(st.text(max_size=200))
def test_no_text_breaks_an_address(text: str) -> None:
    for read in (normal_email, normal_domain):
        try:
            read(text)
        except BadAddress as error:
            assert str(error)


@given(st.one_of(st.text(max_size=30), st.text("'=+-@\t\r\n", max_size=6)))
def test_guarded_cells_come_back(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_names_and_zones() -> None:
    assert split_name("Lovelace, Ada") == ("Ada", "Lovelace")
    assert split_name("Ada King Lovelace") == ("Ada", "King Lovelace")
    assert parse_timezone("america/new york") == "America/New_York"
