"""Telling members: the effect `Notify`, in the run's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.i18n import _, kept, language_of, paragraphs, said
from autoloop.base.ids import new_id
from autoloop.base.services import Services

__all__ = ["MAILS_AN_HOUR", "notify"]

MAILS_AN_HOUR = 20
MOST = 200
MOST_KEPT = 16_000  # characters

# A role means: this one and those above it.
MEMBERS = text("""
select m.user_id, u.email, u.locale, s.slug, m.mail_notices and :mail and (
    select count(*) from notifications n where n.workspace_id = m.workspace_id and n.user_id = m.user_id
      and n.mailed and n.created_at > now() - interval '1 hour') < :most_mails as by_mail
from members m
join users u on u.id = m.user_id and u.deactivated_at is null
join workspaces s on s.id = m.workspace_id
where m.workspace_id = :workspace and case
  when cardinality(cast(:members as text[])) > 0 then m.user_id::text = any(cast(:members as text[]))
  else array_position(array['viewer', 'editor', 'admin', 'owner'], m.role)
    >= array_position(array['viewer', 'editor', 'admin', 'owner'], :role) end
order by m.user_id limit :most
""")

INSERT = text("""
insert into notifications (workspace_id, id, user_id, title, body, said, contact_id, mailed, key)
values (:workspace, :id, :user, :title, :body, cast(:said as jsonb), :contact, :mailed, :key)
on conflict (workspace_id, user_id, key) where key is not null do nothing returning id
""")


def notify(
    services: Services, workspace_id: UUID, contact_id: UUID | None, effect: Any, key: str | None = None
) -> int:
    """Tell the members that a `Notify` names; returns how many. Nobody gets more than 20 mails an hour.

    Marked strings are said to each in their own language. Who was told something with this `key` is not told again. Members who left or lost the role are passed over; those who want no mail see it in the dashboard.
    """
    wording = _Wording(effect)
    wanted = {
        "workspace": workspace_id,
        "members": [str(each) for each in effect.members],
        "role": effect.role,
        "mail": bool(effect.mail),
        "most_mails": MAILS_AN_HOUR,
        "most": MOST,
    }
    found = services.session.execute(MEMBERS, wanted).all()
    send = services.registrations.system_mail
    told = 0
    about = {"workspace": workspace_id, "contact": contact_id, "key": key, "said": wording.kept}
    for user_id, email, locale, slug, by_mail in found:
        id = new_id()
        title, body = wording.title("en"), wording.body("en")
        row = about | {"id": id, "user": user_id, "title": title, "body": body}
        mailed = bool(by_mail and send is not None)
        if not services.session.execute(INSERT, row | {"mailed": mailed}).all():
            continue
        told += 1
        if mailed and send is not None:
            send(
                services,
                purpose="notification",
                key=str(id),
                to=email,
                subject=wording.title(language_of(locale)),
                body=_letter(services, slug, wording, contact_id, language_of(locale)),
            )
    return told


class _Wording:
    """Title and body of an effect, in any language. One's own words are the same in all."""

    def __init__(self, effect: Any) -> None:
        self._said = {"title": kept(effect.title), "body": kept(effect.body)}
        told = orjson.dumps(self._said).decode().replace("\\u0000", "")
        marked = any(not isinstance(each, str) for each in self._said.values())
        self.kept = told if marked and len(told) <= MOST_KEPT else None

    def title(self, language: str) -> str:
        return " ".join(said(self._said["title"], language).replace("\x00", "").split())[:200] or "–"

    def body(self, language: str) -> str:
        return said(self._said["body"], language).replace("\x00", "")[:4000]


def _letter(services: Services, slug: str, wording: _Wording, contact_id: UUID | None, language: str) -> str:
    base = f"{services.settings.public_url}/w/{slug}"
    page = {"page": f"{base}/contacts/{contact_id}"}
    about = [_("About: ${page}", mapping=page)] if contact_id else []
    where = {"page": f"{base}/notifications"}
    more = _("All notifications, and whether they come by mail: ${page}", mapping=where)
    return said(kept(paragraphs(wording.body(language), *about, more)), language) + "\n"
