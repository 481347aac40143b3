"""Telling members: the effect `Notify`, in the run's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.services import Services

__all__ = ["MAILS_AN_HOUR", "notify"]

MAILS_AN_HOUR = 20
MOST = 200

# A role means: this one and those above it.
MEMBERS = text("""
select m.user_id, u.email, s.slug, m.mail_notices and :mail and (
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
insert into notifications (workspace_id, id, user_id, title, body, contact_id, mailed, key)
values (:workspace, :id, :user, :title, :body, :contact, :mailed, :key)
on conflict (workspace_id, user_id, key) where key is not null do nothing returning id
""")


def notify(
    services: Services, workspace_id: UUID, contact_id: UUID | None, effect: Any, key: str | None = None
) -> int:
    """Tell the members that a `Notify` names; returns how many. Nobody gets more than 20 mails an hour.

    Who was told something with this `key` is not told again. Members who left or lost the role are passed over; those who want no mail see it in the dashboard.
    """
    title = " ".join(str(effect.title).split())[:200] or "–"
    body = str(effect.body).replace("\x00", "")[:4000]
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
    for user_id, email, slug, by_mail in found:
        id = new_id()
        row = {"workspace": workspace_id, "id": id, "user": user_id, "title": title, "body": body, "key": key}
        mailed = bool(by_mail and send is not None)
        if not services.session.execute(INSERT, row | {"contact": contact_id, "mailed": mailed}).all():
            continue
        told += 1
        if mailed and send is not None:
            send(
                services,
                purpose="notification",
                key=str(id),
                to=email,
                subject=title,
                body=_letter(services, slug, body, contact_id),
            )
    return told


def _letter(services: Services, slug: str, body: str, contact_id: UUID | None) -> str:
    base = f"{services.settings.public_url}/w/{slug}"
    about = f"About: {base}/contacts/{contact_id}\n" if contact_id else ""
    return f"{body}\n\n{about}All notifications, and whether they come by mail: {base}/notifications\n"
