"""What a batch of intents needs to know: versions, senders, workspaces, windows; one statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text, tuple_
from sqlalchemy.orm import Session

from autoloop.engine.models import WorkflowVersion
from autoloop.engine.requests import EmailRequest

__all__ = ["Found", "look_up"]

Key = tuple[UUID, UUID]

SENDERS = text("""
select workspace_id, id, name, address, reply_to, is_default, postal_address, status from senders
where workspace_id = any(:tenants) and (is_default or id = any(:ids))""")

WORKSPACES = text("""
select id, name, postal_address, timezone, locale, coalesce(settings ->> 'tracking', 'off') as tracking
from workspaces where id = any(:ids)""")


@dataclass(frozen=True, slots=True)
class Found:
    """Answers for one batch of requests."""

    versions: dict[tuple[UUID, UUID, int | None], Any]
    senders: dict[tuple[UUID, UUID | None], Any]
    workspaces: dict[UUID, Any]
    windows: dict[Key, Any]
    topics: dict[Key, str]
    untracked: frozenset[Key]

    def version(self, request: EmailRequest) -> Any:
        """The template version asked for, or the latest; None if there is none."""
        return self.versions.get((request.workspace_id, request.template_id, request.template_version))

    def sender(self, request: EmailRequest) -> Any:
        """The sender asked for, or the workspace's default."""
        named = self.senders.get((request.workspace_id, request.sender_id))
        return named or self.senders.get((request.workspace_id, None))

    def topic(self, request: EmailRequest) -> str | None:
        """What the mail is about: as the step says, else its template. Marketing mail only."""
        if request.kind != "marketing" or request.is_test:
            return None
        return request.topic or self.topics.get((request.workspace_id, request.template_id)) or None

    def is_tracked(self, request: EmailRequest, contact: Mapping[str, Any]) -> bool:
        """Whether its opens and clicks may be told: workspace, template, step and contact all have to agree."""
        mode = self.workspaces[request.workspace_id]["tracking"]
        if mode == "off" or (mode == "marketing" and request.kind != "marketing"):
            return False
        if request.is_test or not request.tracked:
            return False
        if (request.workspace_id, request.template_id) in self.untracked:
            return False
        return bool((contact.get("consent") or {}).get("tracking") == "granted")


def look_up(session: Session, requests: Sequence[EmailRequest]) -> Found:
    """Everything that these requests refer to."""
    tenants = list({each.workspace_id for each in requests})
    versions, topics, untracked = _versions(session, requests)
    return Found(
        versions,
        _senders(session, tenants, [each.sender_id for each in requests if each.sender_id]),
        {row["id"]: row for row in session.execute(WORKSPACES, {"ids": tenants}).mappings()},
        _windows(session, {(each.workspace_id, each.version_id) for each in requests}),
        topics,
        untracked,
    )


def _versions(
    session: Session, requests: Sequence[EmailRequest]
) -> tuple[dict[tuple[UUID, UUID, int | None], Any], dict[Key, str], frozenset[Key]]:
    """The current versions of the templates asked for, and of the others those that are asked for by number; the
    templates' topics; and which are not tracked."""
    from autoloop.mail.models import EmailTemplate as Template
    from autoloop.mail.models import EmailTemplateVersion as Version

    wanted = {(each.workspace_id, each.template_id) for each in requests}
    pinned = {
        (each.workspace_id, each.template_id, each.template_version)
        for each in requests
        if each.template_version is not None
    }
    same = (Template.workspace_id == Version.workspace_id) & (Template.id == Version.template_id)
    rows = session.execute(
        select(Version, Template)
        .join(Template, same)
        .where(
            tuple_(Version.workspace_id, Version.template_id).in_(wanted),
            or_(
                Version.id == Template.current_version_id,
                tuple_(Version.workspace_id, Version.template_id, Version.number).in_(pinned),
            ),
        )
    ).all()
    found: dict[tuple[UUID, UUID, int | None], Any] = {}
    topics: dict[Key, str] = {}
    untracked = set()
    for row, template in rows:
        key = (row.workspace_id, row.template_id)
        found[*key, row.number] = row
        if row.id == template.current_version_id:
            found[*key, None] = row
        topics[key] = template.topic
        if not template.is_tracked:
            untracked.add(key)
    return found, topics, frozenset(untracked)


def _senders(session: Session, tenants: list[UUID], ids: list[UUID]) -> dict[tuple[UUID, UUID | None], Any]:
    found: dict[tuple[UUID, UUID | None], Any] = {}
    for row in session.execute(SENDERS, {"tenants": tenants, "ids": ids}).mappings():
        found[row["workspace_id"], row["id"]] = row
        if row["is_default"]:
            found[row["workspace_id"], None] = row
    return found


def _windows(session: Session, versions: set[Key]) -> dict[Key, Any]:
    """The send windows that these workflow versions set."""
    window = WorkflowVersion.graph["settings"]["window"]
    rows = session.execute(
        select(WorkflowVersion.workspace_id, WorkflowVersion.id, window).where(
            tuple_(WorkflowVersion.workspace_id, WorkflowVersion.id).in_(versions)
        )
    )
    return {(row[0], row[1]): row[2] for row in rows if row[2]}
