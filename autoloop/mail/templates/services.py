"""The verbs of email templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, select

from autoloop.accounts.models import User
from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.generations import changed
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.services import Topics
from autoloop.mail.models import EmailTemplate, EmailTemplateVersion
from autoloop.mail.templates.source import Draft, compile_draft
from autoloop.web import Page
from autoloop.web.paging import fetch_page, order_of

__all__ = ["Templates", "WholeTemplate"]

WRITTEN = ("kind", "subject", "preheader", "source", "text_source", "field_rules", "headers", "files")
SORTS = {
    "name": EmailTemplate.name,
    "created_at": EmailTemplate.created_at,
    "updated_at": EmailTemplate.updated_at,
}


@dataclass(frozen=True)
class WholeTemplate:
    """A template with its current version."""

    template: EmailTemplate
    version: EmailTemplateVersion

    def plain(self) -> dict[str, Any]:
        """One flat row, as the JSON door gives it."""
        template, version = self.template, self.version
        return {
            "id": template.id,
            "name": template.name,
            "topic": template.topic,
            "is_tracked": template.is_tracked,
            "version_id": version.id,
            "version": version.number,
            "archived_at": template.archived_at,
            "created_at": template.created_at,
            "updated_at": template.updated_at,
            **{name: getattr(version, name) for name in WRITTEN},
        }


class Templates(Service):
    """Templates of one workspace. Every change of what is written makes a version; none is ever changed."""

    def page(self, filters: Mapping[str, Any]) -> Page:
        """A page of templates with the subject and number of their current version."""
        statement = (
            select(
                EmailTemplate.id,
                EmailTemplate.name,
                EmailTemplateVersion.subject,
                EmailTemplateVersion.kind,
                EmailTemplateVersion.number.label("version"),
                EmailTemplate.archived_at,
                EmailTemplate.created_at,
                EmailTemplate.updated_at,
            )
            .join(
                EmailTemplateVersion,
                (EmailTemplateVersion.workspace_id == EmailTemplate.workspace_id)
                & (EmailTemplateVersion.id == EmailTemplate.current_version_id),
            )
            .where(EmailTemplate.workspace_id == self.workspace_id)
        )
        archived = EmailTemplate.archived_at.is_not(None)
        statement = statement.where(archived if filters.get("archived") else ~archived)
        if filters.get("q"):
            wanted = filters["q"].lower()
            statement = statement.where(
                func.lower(EmailTemplate.name).contains(wanted, autoescape=True)
                | func.lower(EmailTemplateVersion.subject).contains(wanted, autoescape=True)
            )
        order = order_of(filters.get("sort"), SORTS, "-updated_at")
        return fetch_page(self.session, statement, order, EmailTemplate.id, filters, count=True)

    def find(self, id: UUID) -> EmailTemplate | None:
        return self.session.get(EmailTemplate, (self.workspace_id, id))

    def whole(self, template: EmailTemplate) -> WholeTemplate:
        """The template with its current version."""
        version = self.session.get(EmailTemplateVersion, (self.workspace_id, template.current_version_id))
        assert version is not None
        return WholeTemplate(template, version)

    def version(self, template_id: UUID, number: int) -> EmailTemplateVersion | None:
        return self.session.scalars(
            select(EmailTemplateVersion).where(
                EmailTemplateVersion.workspace_id == self.workspace_id,
                EmailTemplateVersion.template_id == template_id,
                EmailTemplateVersion.number == number,
            )
        ).one_or_none()

    def versions(self, template_id: UUID) -> list[RowMapping]:
        """All versions, the newest first, without their sources."""
        version = EmailTemplateVersion
        rows = self.session.execute(
            select(
                version.id,
                version.number,
                version.subject,
                version.kind,
                version.created_at,
                version.created_by,
                User.name.label("created_by_name"),
            )
            .outerjoin(User, User.id == version.created_by)
            .where(version.workspace_id == self.workspace_id, version.template_id == template_id)
            .order_by(version.number.desc())
        )
        return list(rows.mappings())

    def create(self, given: Mapping[str, Any]) -> WholeTemplate:
        """A new template with its first version.

        :raises Invalid: with the line, where Liquid cannot read a part.
        """
        draft = compile_draft(given)
        template = EmailTemplate(
            id=new_id(),
            workspace_id=self.workspace_id,
            user_id=self.services.user_id,
            name=given["name"],
            topic=self._topic(given.get("topic") or ""),
            is_tracked=given.get("is_tracked", True),
        )
        self.add(template)
        version = self._add_version(template, draft, 1)
        changed(self.session, self.workspace_id, "templates")
        return WholeTemplate(template, version)

    def change(self, template: EmailTemplate, given: Mapping[str, Any]) -> WholeTemplate:
        """Change the name, what is written, or both. What is not given stays; equal text makes no version.

        :raises Invalid: with the line, where Liquid cannot read a part.
        :raises Conflict: if the template is archived.
        """
        if template.archived_at is not None:
            raise Conflict("This template is archived. Bring it back before you change it.")
        self.session.refresh(template, with_for_update=True)
        whole = self.whole(template)
        before = {name: getattr(whole.version, name) for name in WRITTEN}
        draft = compile_draft(before | {name: given[name] for name in WRITTEN if name in given})
        template.name = given.get("name", template.name)
        if given.get("topic", template.topic) != template.topic:
            template.topic = self._topic(given["topic"])
        template.is_tracked = given.get("is_tracked", template.is_tracked)
        version = whole.version
        if draft.checksum != version.checksum:
            version = self._add_version(template, draft, version.number + 1)
        self.session.flush()
        self.session.refresh(template)
        changed(self.session, self.workspace_id, "templates")
        return WholeTemplate(template, version)

    def duplicate(self, template: EmailTemplate, name: str | None = None) -> WholeTemplate:
        """A new template that starts with the current version of this one."""
        version = self.whole(template).version
        written = {each: getattr(version, each) for each in WRITTEN}
        own = {"topic": template.topic, "is_tracked": template.is_tracked}
        return self.create({"name": (name or f"{template.name} (copy)")[:200], **own, **written})

    def restore_version(self, template: EmailTemplate, number: int) -> WholeTemplate:
        """Make an old version the current one, as a new version with the same text."""
        version = self.version(template.id, number)
        if version is None:
            raise NotFound
        return self.change(template, {name: getattr(version, name) for name in WRITTEN})

    def archive(self, template: EmailTemplate) -> None:
        """Out of lists and choices. Workflows that name it keep working."""
        if template.archived_at is None:
            template.archived_at = self.clock.now()
            changed(self.session, self.workspace_id, "templates")

    def unarchive(self, template: EmailTemplate) -> None:
        template.archived_at = None
        changed(self.session, self.workspace_id, "templates")

    def draft(self, template: EmailTemplate | None, given: Mapping[str, Any]) -> Draft:
        """What would be rendered if `given` were saved now.

        :raises Invalid: with the line, where Liquid cannot read a part.
        """
        before: dict[str, Any] = {"preheader": "", "text_source": None, "field_rules": {}}
        if template is not None:
            version = self.whole(template).version
            before = {name: getattr(version, name) for name in WRITTEN}
        written = before | {name: given[name] for name in WRITTEN if name in given}
        lacking = [name for name in ("kind", "subject", "source") if name not in written]
        if lacking:
            raise Invalid(details={name: ["Required"] for name in lacking})
        return compile_draft(written)

    def _topic(self, key: str) -> str:
        if key and key not in self.services(Topics).known():
            raise Invalid(details={"topic": ["There is no such topic."]})
        return key

    def _add_version(self, template: EmailTemplate, draft: Draft, number: int) -> EmailTemplateVersion:
        version = EmailTemplateVersion(
            id=new_id(),
            workspace_id=self.workspace_id,
            template_id=template.id,
            number=number,
            kind=draft.kind,
            subject=draft.subject,
            preheader=draft.preheader,
            source=draft.source,
            text_source=draft.text_source,
            compiled=draft.compiled,
            field_rules=draft.field_rules,
            headers=draft.headers,
            files=draft.files,
            checksum=draft.checksum,
            created_by=self.services.user_id,
        )
        self.add(version)
        template.current_version_id = version.id
        self.session.flush()
        self.session.refresh(template)
        return version
