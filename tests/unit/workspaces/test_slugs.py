"""Slugs made from names."""

from __future__ import annotations

import pytest

from autoloop.workspaces.slugs import RESERVED, SHAPE, slug_of, with_chance


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Müller & Söhne", "muller-sohne"),
        ("  ACME, Inc. ", "acme-inc"),
        ("a--b", "a-b"),
        ("x" * 90, "x" * 32),
    ],
)
def test_a_slug_is_like_the_name(name, slug):
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["", "日本", "!", "a", "new", "System", "-" * 50, "\x00"])
def test_what_gives_none_gets_one_by_chance(name):
    slug = slug_of(name)
    assert SHAPE.match(slug)
    assert slug not in RESERVED
    assert slug != slug_of(name)


def test_a_tail_keeps_the_shape():
    assert SHAPE.match(with_chance("x" * 40))


@pytest.mark.parametrize(
    "slug", ["a", "A", "-ab", "ab-", "a--b", "ä", "x" * 41, "ab\n", "a b", "@@ab", "../ab"]
)
def test_what_is_no_slug(slug):
    assert not SHAPE.match(slug)
