"""What a contact said about its mail, in words, as entries of a timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyramid.request import Request

from autoloop.base.i18n import LANGUAGES, _, language_of

__all__ = ["said"]

MARKETING = {
    "granted": (_("Marketing mail: yes"), "check", "ok"),
    "denied": (_("Marketing mail: no"), "x", "bad"),
    "unknown": (_("Marketing mail: not known any more"), "circle-help", ""),
}
TRACKING = {
    "granted": (_("Opens and clicks may be recorded"), "check", "ok"),
    "denied": (_("Opens and clicks: not to be recorded"), "x", "warn"),
    "unknown": (_("Recording of opens and clicks: not known any more"), "circle-help", ""),
}
TOPIC = {
    "subscribed": (_("Topic “${topic}”: yes"), "check", "ok"),
    "unsubscribed": (_("Topic “${topic}”: no"), "x", "warn"),
}
SOURCES = {
    "import": _("with an import"),
    "api": _("through the API"),
    "form": _("on a form"),
    "preferences": _("on the preference page"),
    "unsubscribe": _("by the unsubscribe link"),
    "email.unsubscribed": _("by the unsubscribe link"),
    "email.complained": _("by reporting an email as spam"),
    "page": _("noted here"),
    "merge": _("when two contacts became one"),
    "workflow": _("by a workflow"),
    "topic_deleted": _("for the topic was removed"),
}


def said(request: Request, rows: Iterable[Any]) -> list[dict[str, Any]]:
    """{at, title, text, icon, tone} of each entry."""
    say = request.localizer.translate
    entries = []
    for row in rows:
        title, icon, tone = _said(row)
        where = SOURCES.get(row.source, row.source)
        text = " · ".join(part for part in (say(where), row.user_name) if part)
        entries.append({"at": row.created_at, "title": say(title), "text": text, "icon": icon, "tone": tone})
    return entries


def _said(row: Any) -> tuple[Any, str, str]:
    if row.what == "marketing":
        return MARKETING.get(row.after, (row.after, "info", ""))
    if row.what == "tracking":
        return TRACKING.get(row.after, (row.after, "info", ""))
    if row.what == "topic":
        title, icon, tone = TOPIC[row.after]
        return _(str(title), mapping={"topic": row.subject}), icon, tone
    if row.what == "pace":
        days = int(row.after or 0)
        title = (
            _("At most one mail in ${days} days", mapping={"days": days}) if days else _("Mail as it comes")
        )
        return title, "timer", ""
    if row.what == "pause":
        if not row.after:
            return _("Pause ended"), "play", ""
        return _("Pause until ${day}", mapping={"day": row.after[:10]}), "pause", "warn"
    if row.what == "language":
        language = LANGUAGES.get(language_of(row.after or "") or "", row.after) or "–"
        return _("Language: ${language}", mapping={"language": language}), "globe", ""
    return _("Used the unsubscribe link"), "octagon-x", "bad"
