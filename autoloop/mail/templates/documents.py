"""Templates inside documents that other domains write: what a template says, without ids of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.services import Services
from autoloop.businesses.services import Topics
from autoloop.mail.models import EmailTemplate
from autoloop.mail.templates.carrying import TemplateFiles
from autoloop.mail.templates.enclosed import Room, read_files, written_files
from autoloop.mail.templates.schemas import CreateTemplate
from autoloop.mail.templates.services import Templates, WholeTemplate
from autoloop.web.input import checked

__all__ = ["make_template", "says_the_same", "template_documents"]

SAID = ("kind", "subject", "preheader", "source", "text_source", "field_rules", "headers")


def template_documents(services: Services, ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The fact loader "template_documents": those of the ids that are here, by name, as JSON carries them.

    The files that they send along travel in base64 with their SHA-256, 5 MB of them in one document; of those
    beyond that only the names.
    """
    mine = select(EmailTemplate).where(
        EmailTemplate.workspace_id == services.workspace_id, EmailTemplate.id.in_(ids)
    )
    rows = services.session.scalars(mine.order_by(EmailTemplate.name, EmailTemplate.id))
    room = Room()
    made = []
    for row in rows:
        whole = services(Templates).whole(row)
        files = written_files(services(TemplateFiles), whole.version.files, room)
        made.append(_document(whole) | ({"files": files} if files else {}))
    return made


def _document(whole: WholeTemplate) -> dict[str, Any]:
    template, version = whole.template, whole.version
    said = {name: getattr(version, name) for name in SAID}
    return {
        "id": str(template.id),
        "name": template.name,
        **({"topic": template.topic} if template.topic else {}),
        **({} if template.is_tracked else {"is_tracked": False}),
        **{name: value for name, value in said.items() if value not in (None, "", {})},
    }


def make_template(services: Services, document: Mapping[str, Any], name: str) -> tuple[UUID, list[str]]:
    """The effect handler "make_template": a new template of this name, and what of the document was left out:
    "topic", and "file NAME" for each file whose octets the document does not hold.

    Raises Invalid, with the document's fields.
    """
    files, absent = read_files(document.get("files") or [])
    left_out = [f"file {each}" for each in absent]
    given = {key: value for key, value in document.items() if key not in ("id", "files")} | {"name": name}
    given = checked(CreateTemplate(), given)
    if given.get("topic") and given["topic"] not in services(Topics).known():
        given["topic"] = ""
        left_out.append("topic")
    template = services(Templates).create(given).template
    if files:
        cids = {each.name: each.cid for each in files if each.cid}
        services(TemplateFiles).add(template, [(each.name, each.body) for each in files], cids)
    return template.id, left_out


def says_the_same(services: Services, id: UUID, document: Mapping[str, Any]) -> bool:
    """The fact loader "template_says_the_same": is this what the document says, with the same files?"""
    template = services(Templates).find(id)
    if template is None:
        return False
    whole = services(Templates).whole(template)
    here, files = _document(whole), document.get("files") or []
    told = {(each.get("name"), each.get("sha256")) for each in files if isinstance(each, Mapping)}
    held = {(each["name"], each["hash"]) for each in whole.version.files}
    return told == held and all(here.get(name) == document.get(name) for name in SAID)
