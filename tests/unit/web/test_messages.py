"""Words of the interface: gathered from code and pages, and English where nobody translated them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from pyramid.i18n import make_localizer

from autoloop.base.i18n import _

ROOT = Path(__file__).parents[3]


def test_words_of_code_and_pages_are_gathered():
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [("autoloop/accounts/**.py", "python"), ("autoloop/accounts/**.jinja2", "jinja2")]
    options = {"autoloop/accounts/**.jinja2": {"newstyle_gettext": "true"}}
    assert {mapping["method"] for mapping in mappings} == {method for _pattern, method in methods}
    found = {
        words[0] if isinstance(words, tuple) else words
        for _file, _line, words, _comments, _context in extract_from_dir(
            ROOT, methods, options, {"_": None}, directory_filter=lambda folder: "node_modules" not in folder
        )
    }
    with (ROOT / "autoloop/locale/autoloop.pot").open("rb") as file:
        gathered = {message.id for message in read_po(file) if message.id}
    assert {
        "Sign in",
        "No account yet?",
        "This link was used or is too old. Start AutoLoop again for a new one.",
    } <= found
    assert len(found & gathered) > 0.9 * len(found), "run: make messages"


def test_what_nobody_translated_is_english():
    localizer = make_localizer("xx", [str(ROOT / "autoloop/locale")])
    assert localizer.translate(_("Sign in")) == "Sign in"
    assert localizer.translate(_("${count} here", mapping={"count": 3})) == "3 here"
