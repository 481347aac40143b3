"""Signed links in place of a version's own, in each person's mail: prepared once per version, filled per mail.

In the source each address is set between marks, which rendering carries through; then the text is cut at
the marks and joined again. The marks are made by chance in each process, so that nothing a person wrote can
pretend to be one; they never leave it, and the mail is the same whatever they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from autoloop.base.liquid import HTML, TemplateInvalid, parse
from autoloop.mail.render import Rendered, render
from autoloop.mail.tracking.finding import Version, end_of_body, is_dynamic, links_of, target_of
from autoloop.mail.tracking.tokens import OPEN, Place, Tokens, packed

__all__ = ["Prepared", "prepared", "render_tracked", "target_at", "targets_of"]

MOST_TURNS = 10_000

_MARK = f"\x02{secrets.randbelow(10**18):018d}\x03"
_BETWEEN = "\x04"
_PICTURE = '<img src="{}" width="1" height="1" alt="" style="border:0;width:1px;height:1px">'


class UnevenError(ValueError):
    """A filter or a tag of the template has eaten a mark."""


class Prepared:
    """A version with its links set between marks: `source`. `links` are the addresses as the template has them,
    `targets` where they lead, None for those that differ from person to person. Link n is at n - 1.

    :raises TemplateInvalid: if the source has no room for the marks.
    """

    def __init__(self, version: Version) -> None:
        html: str = version.compiled["html"]
        spans = links_of(version)
        self.links = [html[start:end] for start, end in spans]
        self.targets = [None if is_dynamic(link) else target_of(link) for link in self.links]
        edits = []
        for n, ((start, end), link, target) in enumerate(
            zip(spans, self.links, self.targets, strict=True), 1
        ):
            inside = f"{n}" if target is not None else f"{n}{_BETWEEN}{link}"
            edits.append((start, end, f"{_MARK}{inside}{_MARK}"))
        at = end_of_body(html)
        edits.append((at, at, f"{_MARK}0{_MARK}"))
        self.source = _edited(html, edits)
        self._known = {str(n): n for n, target in enumerate(self.targets, 1) if target is not None} | {"0": 0}
        self._usual: tuple[list[str], list[bytes]] = (["never"], [])
        parse(self.source, HTML)

    def plain(self, marked: str) -> str:
        """The rendered mail as it would be without tracking."""
        parts = _cut(marked)
        parts[1::2] = [self._address(piece) for piece in parts[1::2]]
        return "".join(parts)

    def fill(self, marked: str, tokens: Tokens, workspace_id: UUID, email_id: UUID) -> str:
        """The rendered mail with a signed link in each place, and the picture."""
        parts = _cut(marked)
        names = parts[1::2]
        usual, places = self._usual
        if names == usual:  # what most versions are for everybody: the same places, the picture last
            urls = tokens.urls(workspace_id, email_id, places)
            urls[-1] = _PICTURE.format(urls[-1])
            parts[1::2] = urls
            return "".join(parts)
        numbered = list(self._places(parts))
        places = [*(packed(place) for _, place, _ in numbered), packed(OPEN)]
        if len(numbered) + 1 == len(names) and names[-1] == "0" and self._known.keys() >= set(names):
            self._usual = (names, places)
        urls = tokens.urls(workspace_id, email_id, places)
        for (at, _, _), url in zip(numbered, urls, strict=False):
            parts[at] = url
        picture, shown = _PICTURE.format(urls[-1]), False
        for at in range(len(parts) - 2, 0, -2):
            if parts[at] == "0":
                parts[at] = "" if shown else picture
                shown = True
        if not shown:
            parts.append(picture)
        return "".join(parts)

    def target_at(self, marked: str, wanted: Place) -> str | None:
        """Where one place of a rendered mail leads; None if it has no such place."""
        return next((target for _, place, target in self._places(_cut(marked)) if place == wanted), None)

    def targets_in(self, marked: str) -> dict[Place, str]:
        """Where each tracked place of a rendered mail leads."""
        return {place: target for _, place, target in self._places(_cut(marked))}

    def _places(self, parts: list[str]) -> Iterator[tuple[int, Place, str]]:
        """The links of a rendered mail that are tracked: at which part, which place, leading where. The others
        become what they were."""
        turns: dict[int, int] = {}
        for at in range(1, len(parts), 2):
            piece = parts[at]
            link = self._known.get(piece)
            if link == 0:
                continue
            if link is None:
                name, _, address = piece.partition(_BETWEEN)
                link, target = int(name), target_of(address)
            else:
                target = self.targets[link - 1]
            turn = turns.get(link, 0)
            if target is None or turn == MOST_TURNS:
                parts[at] = self._address(piece)
                continue
            turns[link] = turn + 1
            yield at, (link, turn), target

    def _address(self, piece: str) -> str:
        name, between, address = piece.partition(_BETWEEN)
        return address if between else self.links[int(name) - 1] if name != "0" else ""


def prepared(version: Any) -> Prepared | None:
    """The version's, made when first asked for; None for a version whose links cannot be tracked."""
    held: Prepared | Literal[False] | None = version.prepared
    if held is None:
        try:
            held = Prepared(version)
        except TemplateInvalid:
            held = False
        version.prepared = held
    return held or None


def render_tracked(
    version: Any, context: Mapping[str, Any], tokens: Tokens, workspace_id: UUID, email_id: UUID
) -> Rendered:
    """As `render`, with the email's own links and picture; without them where the template leaves no room."""
    marks = prepared(version)
    if marks is not None:
        try:
            made = render(version, context, marks=marks)
            return replace(made, html=marks.fill(made.html, tokens, workspace_id, email_id))
        except (TemplateInvalid, UnevenError):
            pass  # without the marks it may well fit
    return render(version, context)


def target_at(version: Any, context: Callable[[], Mapping[str, Any]], place: Place) -> str | None:
    """Where a place of an email leads, from what the email was made of; None if the email has no such place.

    The context is only asked for where the address differs from person to person.

    :raises TemplateInvalid: if the email cannot be rendered again.
    """
    marks = prepared(version)
    if marks is None or not 0 < place[0] <= len(marks.links):
        return None
    if (target := marks.targets[place[0] - 1]) is not None:
        return target
    try:
        return marks.target_at(render(version, context(), marks=marks).html, place)
    except UnevenError:
        return None


def targets_of(version: Any, context: Mapping[str, Any]) -> dict[Place, str]:
    """Where each tracked place of an email leads; of what cannot be rendered again, the links that are the same
    for everybody."""
    marks = prepared(version)
    if marks is None:
        return {}
    try:
        return marks.targets_in(render(version, context, marks=marks).html)
    except (TemplateInvalid, UnevenError):
        return {(n, 0): target for n, target in enumerate(marks.targets, 1) if target is not None}


def _cut(marked: str) -> list[str]:
    parts = marked.split(_MARK)
    if len(parts) % 2 == 0:
        raise UnevenError
    return parts


def _edited(source: str, edits: list[tuple[int, int, str]]) -> str:
    out, at = [], 0
    for start, end, put in sorted(edits):
        out += [source[at:start], put]
        at = end
    return "".join([*out, source[at:]])
