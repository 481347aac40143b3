"""What new templates start with can be used as it is."""

from __future__ import annotations

import pytest

from autoloop.mail.render import check, render
from autoloop.mail.templates.source import compile_draft
from autoloop.mail.templates.starters import STARTERS, starter

PERSON = {
    "contact": {"first_name": "Ada"},
    "business": {"name": "Engines"},
    "sender": {"name": "Edith"},
    "now": "2026-11-23T09:00:00+00:00",
}


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_is_ready_to_be_sent(name: str) -> None:
    draft = compile_draft(starter(name))
    assert check(draft, PERSON) == [], "no gaps, and its styles stand in the elements"
    made = render(draft, PERSON)
    assert made.missing == () and "Ada" in made.text and "Edith" in made.text
    assert "style=" in made.html and "!important" in made.html


def test_styles_that_cannot_be_inlined_are_told() -> None:
    crossed = "<style>b{color:red}</style>{% if business.name %}<div>{% else %}<div class='a'>{% endif %}<b>x</b></div>"
    written = {"name": "x", "kind": "html", "subject": "x", "source": crossed}
    assert [each.kind for each in check(compile_draft(written), PERSON)] == ["styles"]
