"""Catalogues: every string that recipients see, in every language, its placeholders kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import autoloop
from autoloop.base.i18n import LANGUAGES, LOCALES, _, language_of, words

HOUSE = Path(autoloop.__file__).parent
PUBLIC = (
    "mail/preferences/*.py",
    "mail/preferences/*.jinja2",
    "mail/tracking/broken.jinja2",
    "mail/footer.py",
    "engine/forms/public.py",
    "engine/forms/submitting.py",
    "engine/forms/templates/public.jinja2",
    "engine/chains.py",
    "mail/governor/breaks.py",
    "mail/governor/pausing.py",
    "mail/services/rotation.py",
    "workspaces/notifications/telling.py",
    "web/layout/templates/bare.jinja2",
    "web/layout/templates/problem.jinja2",
)
PLACE = re.compile(r"%\(\w+\)s|\$\{\w+\}")
OPTIONS = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}


def public_strings() -> set[str]:
    found = set()
    for pattern in PUBLIC:
        for file in HOUSE.glob(pattern):
            method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
            entries = extract_from_file(method, str(file), keywords={"_": None}, options=OPTIONS)
            found |= {entry[1] if isinstance(entry[1], str) else entry[1][0] for entry in entries}
    return found


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_public_string_is_translated(language: str) -> None:
    strings = public_strings()
    assert len(strings) > 80
    with (LOCALES / language / "LC_MESSAGES" / "autoloop.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    for string in strings:
        entry = catalogue.get(string)
        assert entry is not None and entry.string and not entry.fuzzy, string
        assert sorted(PLACE.findall(entry.string)) == sorted(PLACE.findall(string)), string
    assert words(language, _("Unsubscribe")) != "Unsubscribe"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("de-AT",), "de"), (("fr_CA",), "fr"), (("HI",), "hi"), (("ja", "es"), "es"), (("", None), "en"),
        (("../../etc",), "en"), (("x" * 9999,), "en"),
    ],
)  # fmt: skip
def test_the_first_language_that_we_speak_is_taken(wanted: tuple[str | None, ...], found: str) -> None:
    assert language_of(*wanted) == found
