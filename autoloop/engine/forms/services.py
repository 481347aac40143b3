"""Verbs of forms: make, change, remove, and find by a public token."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from autoloop.base.crypto import digest, new_token
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.services import Fields
from autoloop.businesses.values import FieldType
from autoloop.engine.models import Form, HookToken, WorkflowTrigger
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["KINDS", "TARGETS", "Forms", "honeypot_of"]

TARGETS = ("email", "first_name", "last_name", "title", "phone", "external_id")
KINDS = ("text", "email", "phone", "area", "choice", "check")
PLAIN = ("name", "is_active", "title", "button", "consent_text", "tracking_text", "thanks", "per_minute")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?\Z")
MOST = 200


def honeypot_of(form: Form) -> str:
    """A field that people do not see, and programs that fill in everything do. Another one for each form."""
    return f"website_{form.id.hex[-4:]}"


class Forms(Service):
    """Forms of the workspace. A form's address is public: it can be shown at any time."""

    def rows(self) -> Select[Any]:
        return select(Form).where(Form.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> Form | None:
        return self.session.get(Form, (self.workspace_id, id))

    def open(self, token: str) -> Form | None:
        """The active form of a public token. Enters its workspace."""
        found = self.session.get(HookToken, digest(token))
        if found is None or found.kind != "form":
            return None
        self.services.enter(found.workspace_id)
        form = self.session.get(Form, (found.workspace_id, found.target_id))
        return form if form is not None and form.is_active else None

    def create(self, given: Mapping[str, Any]) -> Form:
        """A new form. Raises Invalid with a message per field."""
        count = select(func.count()).where(Form.workspace_id == self.workspace_id)
        if (self.session.scalar(count) or 0) >= MOST:
            raise Conflict(_("A workspace has at most ${most} forms.", mapping={"most": MOST}))
        token = new_token(16)
        first = [{"name": "email", "label": "Email", "kind": "email", "required": True, "choices": []}]
        row = Form(workspace_id=self.workspace_id, id=new_id(), token=token, fields=first, origins=[])
        self._set(row, given)
        self.add(row)
        opening = HookToken(
            token_hash=digest(token), workspace_id=self.workspace_id, kind="form", target_id=row.id
        )
        self.add(opening)
        self.services(WorkspaceAudit).note("form.created", subject=str(row.id), name=row.name)
        return row

    def change(self, row: Form, given: Mapping[str, Any]) -> Form:
        self._set(row, given)
        self.session.flush()
        self.session.refresh(row)
        self.services(WorkspaceAudit).note(
            "form.changed", subject=str(row.id), name=row.name, fields=sorted(given)
        )
        return row

    def remove(self, row: Form) -> None:
        """Remove it. Raises Conflict while a workflow starts by it."""
        listens = select(WorkflowTrigger.id).where(
            WorkflowTrigger.workspace_id == self.workspace_id,
            WorkflowTrigger.is_active,
            WorkflowTrigger.type == "form",
            WorkflowTrigger.config["form_id"].astext == str(row.id),
        )
        if self.session.scalars(listens.limit(1)).first() is not None:
            raise Conflict(
                _("A workflow starts by this form. Take it out of the workflow first."), code="IN_USE"
            )
        mine = (HookToken.workspace_id == self.workspace_id, HookToken.target_id == row.id)
        self.session.execute(delete(HookToken).where(*mine))
        self.services(WorkspaceAudit).note("form.removed", subject=str(row.id), name=row.name)
        self.session.delete(row)
        self.session.flush()

    def url(self, row: Form) -> str:
        return f"{self.settings.public_url.rstrip('/')}/f/{row.token}"

    def _set(self, row: Form, given: Mapping[str, Any]) -> None:
        for name in PLAIN:
            if name in given:
                setattr(row, name, given[name])
        if "fields" in given:
            types = self.services(Fields).types("contact")
            custom = {f"fields.{key}": type for key, type in types.items()}
            row.fields = checked_fields(given["fields"], custom)
        if "origins" in given:
            row.origins = checked_origins(given["origins"])
        if "redirect_url" in given:
            row.redirect_url = checked_url(given["redirect_url"])


def checked_fields(
    given: Sequence[Mapping[str, Any]], types: Mapping[str, FieldType]
) -> list[dict[str, Any]]:
    """What a form asks, in order; the address always, and nothing that custom fields (`types`) cannot hold.

    Raises Invalid.
    """
    wrong: dict[str, list[str]] = {}
    seen = set()
    for index, each in enumerate(given):
        name, place = each["name"], f"fields.{index}"
        if name not in TARGETS and name not in types:
            wrong[f"{place}.name"] = [_("A contact has no such field.")]
        elif name in seen:
            wrong[f"{place}.name"] = [_("This field is asked already.")]
        if each["kind"] == "choice" and not each["choices"]:
            wrong[f"{place}.choices"] = [_("Give at least one choice.")]
        else:
            wrong |= {f"{place}.{part}": said for part, said in _unfit(each, types).items()}
        seen.add(name)
    if "email" not in seen:
        wrong["fields"] = [_("A form asks for the email address.")]
    if wrong:
        raise Invalid(details=wrong)
    return [
        dict(each) | ({"kind": "email", "required": True} if each["name"] == "email" else {})
        for each in given
    ]


def _unfit(field: Mapping[str, Any], types: Mapping[str, FieldType]) -> dict[str, list[str]]:
    """What a contact's field refuses of the answers that this one offers: its visitors could not mend it."""
    held = types.get(field["name"])
    if field["kind"] == "check" and (held is None or held.kind != "boolean"):
        return {"kind": [_("A checkbox fits a custom field of yes or no only.")]}
    if field["kind"] != "choice" or held is None:
        return {}
    try:
        for choice in field["choices"]:
            held(choice)
    except ValueError as error:
        return {"choices": [str(error)]}
    return {}


def checked_origins(given: Sequence[str]) -> list[str]:
    """Sites in one form: scheme, host, port. Raises Invalid."""
    found = [each.strip().rstrip("/").lower() for each in given if each.strip()]
    if len(found) > 50 or not all(ORIGIN.match(each) for each in found):
        raise Invalid(details={"origins": [_("Give sites like https://www.example.com, at most 50.")]})
    return sorted(set(found))


def checked_url(given: str | None) -> str | None:
    if not given:
        return None
    try:
        parts = urlsplit(given)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and given.isprintable()
    except ValueError:
        fits = False
    if not fits or len(given) > 2000 or " " in given:
        raise Invalid(details={"redirect_url": [_("Give an address like https://example.com/thanks.")]})
    return given
