"""Templates inside documents that other domains write: what a template says, without ids of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.services import Services
from autoloop.businesses.services import Topics
from autoloop.mail.models import EmailTemplate
from autoloop.mail.templates.schemas import CreateTemplate
from autoloop.mail.templates.services import Templates, WholeTemplate
from autoloop.web.input import checked

__all__ = ["make_template", "says_the_same", "template_documents"]

SAID = ("kind", "subject", "preheader", "source", "text_source", "field_rules", "headers")


def template_documents(services: Services, ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The fact loader "template_documents": those of the ids that are here, by name, as JSON carries them.

    Files that a template sends along stay behind: `files` names them.
    """
    mine = select(EmailTemplate).where(
        EmailTemplate.workspace_id == services.workspace_id, EmailTemplate.id.in_(ids)
    )
    rows = services.session.scalars(mine.order_by(EmailTemplate.name, EmailTemplate.id))
    return [_document(services(Templates).whole(row)) for row in rows]


def _document(whole: WholeTemplate) -> dict[str, Any]:
    template, version = whole.template, whole.version
    files = [each["name"] for each in version.files]
    said = {name: getattr(version, name) for name in SAID}
    return {
        "id": str(template.id),
        "name": template.name,
        **({"topic": template.topic} if template.topic else {}),
        **({} if template.is_tracked else {"is_tracked": False}),
        **{name: value for name, value in said.items() if value not in (None, "", {})},
        **({"files": files} if files else {}),
    }


def make_template(services: Services, document: Mapping[str, Any], name: str) -> tuple[UUID, list[str]]:
    """The effect handler "make_template": a new template of this name, and what of the document was left out.

    Raises Invalid, with the document's fields.
    """
    left_out = ["files"] if document.get("files") else []
    given = {key: value for key, value in document.items() if key not in ("id", "files")} | {"name": name}
    given = checked(CreateTemplate(), given)
    if given.get("topic") and given["topic"] not in services(Topics).known():
        given["topic"] = ""
        left_out.append("topic")
    return services(Templates).create(given).template.id, left_out


def says_the_same(services: Services, id: UUID, document: Mapping[str, Any]) -> bool:
    """The fact loader "template_says_the_same": is this what the document says?"""
    template = services(Templates).find(id)
    if template is None:
        return False
    here = _document(services(Templates).whole(template))
    return all(here.get(name) == document.get(name) for name in SAID)
