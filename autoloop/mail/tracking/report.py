"""What was opened and followed: of one email, and of all that were made of a template version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.services import Service
from autoloop.mail.models import EmailTemplateVersion, EmailTouch
from autoloop.mail.tracking.finding import links_of, unescaped

__all__ = ["TouchReport"]

# A link that a loop wrote several times is one here; an email counts once for it.
BY_LINK = text("""
select link, count(distinct email_id) filter (where people > 0) as emails, sum(people) as people,
  sum(machines) as machines, max(last_at) as last_at
from email_touches where workspace_id = :workspace and template_version_id = :version group by link""")

NOTHING = {"emails": 0, "people": 0, "machines": 0, "last_at": None}


class TouchReport(Service):
    """Reads counts."""

    def of_email(self, email_id: UUID, version_id: UUID | None) -> list[dict[str, Any]]:
        """Each place of an email that was touched: {what, link, url, people, machines, first_at, last_at, people_at}."""
        table = EmailTouch
        mine = select(table).where(table.workspace_id == self.workspace_id, table.email_id == email_id)
        rows = self.session.scalars(mine.order_by(table.link, table.turn)).all()
        addresses = self._addresses(version_id) if rows else []
        return [
            {
                "what": "click" if row.link else "open",
                "link": row.link or None,
                "url": addresses[row.link - 1] if 0 < row.link <= len(addresses) else None,
                "people": row.people,
                "machines": row.machines,
                "first_at": row.first_at,
                "last_at": row.last_at,
                "people_at": row.people_at,
            }
            for row in rows
        ]

    def of_version(self, version: EmailTemplateVersion) -> dict[str, Any]:
        """{version, opens, links}: counts of the picture, and of every link in the order of the template. Each is
        {emails, people, machines, last_at}: emails that a person touched, how often people and machines did."""
        given = {"workspace": self.workspace_id, "version": version.id}
        rows = {row["link"]: dict(row) for row in self.session.execute(BY_LINK, given).mappings()}
        links = [
            {"link": n, "url": url, **NOTHING, **rows.get(n, {})}
            for n, url in enumerate(addresses_of(version), 1)
        ]
        return {"version": version.number, "opens": {**NOTHING, **rows.get(0, {})}, "links": links}

    def _addresses(self, version_id: UUID | None) -> list[str]:
        version = (
            self.session.get(EmailTemplateVersion, (self.workspace_id, version_id)) if version_id else None
        )
        return [] if version is None else addresses_of(version)


def addresses_of(version: Any) -> list[str]:
    """The addresses of a version's links as the template has them, merge fields and all."""
    source: str = version.compiled["html"]
    return [unescaped(source[start:end]).strip() for start, end in links_of(version)]
