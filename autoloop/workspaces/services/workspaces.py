"""Workspaces: made, found by slug together with a person's place in them, renamed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.base.zones import is_zone
from autoloop.workspaces import slugs
from autoloop.workspaces.mail_limits import HEALTH_SQL
from autoloop.workspaces.models import Member, Workspace, WorkspaceSlug
from autoloop.workspaces.services.audit import WorkspaceAudit
from autoloop.workspaces.services.calendars import calendar_problems

__all__ = ["Workspaces"]

CHANGEABLE = frozenset(
    {"name", "slug", "postal_address", "timezone", "locale", "holidays", "working_days"}
    | {"company_cap", "sender_health", "tracking"}
)

# Membership, generations and the tenant in one statement: what every request to a workspace reads.
PLACE = text(f"""
select w.id, w.slug, w.name, w.postal_address, w.timezone, w.locale, w.settings, w.created_at, w.updated_at, m.role,
    coalesce(w.settings->'holidays', '[]') holidays, coalesce(w.settings->'working_days', '[1, 2, 3, 4, 5]') working_days,
    w.settings->'company_cap' company_cap, {HEALTH_SQL} sender_health,
    coalesce(w.settings->>'tracking', 'off') tracking,
    coalesce((select jsonb_object_agg(g.resource, g.n) from generations g where g.workspace_id = w.id), '{{}}') generations
from workspaces w join members m on m.workspace_id = w.id and m.user_id = :user
where not w.is_system and w.id = coalesce(
    (select id from workspaces where slug = :slug), (select workspace_id from workspace_slugs where slug = :slug))""")


class Workspaces(Service):
    def create(self, name: str, owner_id: UUID, *, slug: str | None = None, **more: Any) -> Workspace:
        """A workspace with its first owner. Enters it: what follows in this unit of work is inside.

        `more` may give timezone, locale, postal_address. Raises Invalid, and Conflict for a slug that is taken.
        """
        name = name.strip()
        if not name:
            raise Invalid(details={"name": [_("Give the workspace a name.")]})
        wanted = slug or slugs.slug_of(name)
        _check(self.session, {"slug": wanted} | more)
        row = self._insert(name, wanted, more)
        if row is None and slug is None:
            row = self._insert(name, slugs.with_chance(wanted), more)
        if row is None:
            raise _taken()
        self.services.enter(row.id)
        self.add(Member(workspace_id=row.id, user_id=owner_id, role="owner"))
        self.services(WorkspaceAudit).note("workspace.created", user_id=owner_id, name=name, slug=row.slug)
        return row

    def _insert(self, name: str, slug: str, more: dict[str, Any]) -> Workspace | None:
        if self._was_used(slug, None):
            return None
        try:
            with self.session.begin_nested():
                row: Workspace = self.add(Workspace(name=name, slug=slug, **more))
        except IntegrityError:
            return None
        return row

    def place(self, slug: str, user_id: UUID) -> Row[Any] | None:
        """The workspace of a slug, now or formerly, with the person's role and the generations; None for strangers."""
        return self.session.execute(PLACE, {"slug": slug, "user": user_id}).one_or_none()

    def of(self, user_id: UUID) -> Select[Any]:
        """The person's workspaces, each with their role."""
        return (
            select(
                Workspace.id,
                Workspace.slug,
                Workspace.name,
                Workspace.timezone,
                Workspace.created_at,
                Member.role,
            )
            .join(Member, Member.workspace_id == Workspace.id)
            .where(Member.user_id == user_id, Workspace.is_system.is_(False))
        )

    def current(self, *, lock: bool = False) -> Workspace:
        """The row of the workspace this unit of work is in."""
        row = self.session.get(
            Workspace, self.workspace_id, with_for_update={"key_share": True} if lock else None
        )
        if row is None:
            raise NotFound
        return row

    def change(self, changes: dict[str, Any]) -> Workspace:
        """Change name, slug, postal address, time zone, locale, holidays, working days, limits of mail. An old slug keeps leading here.

        Raises Invalid, and Conflict for a slug that another workspace has or had.
        """
        if set(changes) - CHANGEABLE:
            raise ValueError(f"not changeable: {sorted(set(changes) - CHANGEABLE)}")
        _check(self.session, changes)
        row = self.current(lock=True)
        before = {
            field: getattr(row, field) for field, value in changes.items() if getattr(row, field) != value
        }
        if not before:
            return row
        try:
            # Changed inside: a savepoint flushes what is pending before it begins.
            with self.session.begin_nested():
                if "slug" in before:
                    self._move(row, changes["slug"])
                for field in before:
                    setattr(row, field, changes[field])
        except IntegrityError:
            raise _taken() from None
        after = {field: changes[field] for field in before}
        self.services(WorkspaceAudit).note(
            "workspace.changed", subject=str(row.id), before=before, after=after
        )
        return row

    def _move(self, row: Workspace, slug: str) -> None:
        if self._was_used(slug, row.id):
            raise _taken()
        self.session.execute(text("delete from workspace_slugs where slug = :slug"), {"slug": slug})
        self.add(WorkspaceSlug(slug=row.slug, workspace_id=row.id))

    def _was_used(self, slug: str, by_other_than: UUID | None) -> bool:
        query = select(WorkspaceSlug.slug).where(WorkspaceSlug.slug == slug)
        if by_other_than is not None:
            query = query.where(WorkspaceSlug.workspace_id != by_other_than)
        return self.session.scalar(query) is not None


def _taken() -> Conflict:
    message = _("This address is taken by another workspace.")
    return Conflict(message, code="SLUG_TAKEN", details={"slug": [message]})


def _check(session: Session, values: dict[str, Any]) -> None:
    details: dict[str, list[str]] = {}
    slug, zone = values.get("slug"), values.get("timezone")
    if slug is not None and (not slugs.SHAPE.match(slug) or slug in slugs.RESERVED):
        details["slug"] = [
            _("2 to 40 small letters, digits and single hyphens, and no word with a meaning here.")
        ]
    if zone is not None and not is_zone(session, zone):
        details["timezone"] = [_("There is no such time zone.")]
    if "name" in values and not values["name"].strip():
        details["name"] = [_("Give the workspace a name.")]
    details |= calendar_problems(values.get("holidays"), values.get("working_days"))
    if details:
        raise Invalid(details=details)
