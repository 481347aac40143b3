"""The verbs of a template's files: add, remove, read. Each change makes a version, as any other does."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.mail.models import EmailTemplate, EmailTemplateVersion, TemplateFile
from autoloop.mail.templates.files import CannotTakeError, described, is_cid
from autoloop.mail.templates.services import Templates, WholeTemplate

__all__ = ["TemplateFiles"]


class TemplateFiles(Service):
    """Files that templates of one workspace send along."""

    def add(
        self,
        template: EmailTemplate,
        given: Iterable[tuple[str, bytes]],
        cids: Mapping[str, str] | None = None,
    ) -> WholeTemplate:
        """A version with these files too, given by name. All are taken, or none. `cids` says by name what the HTML
        calls a picture, where that does not follow from the name.

        :raises Invalid: if one is of a kind that is not sent, or they are too many or too large.
        """
        before = self._locked(template)
        files, bodies = list(before), {}
        for name, body in given:
            try:
                made = described(name, body, files)
            except CannotTakeError as error:
                raise Invalid(details={"file": [str(error)]}) from None
            called = (cids or {}).get(made["name"], "")
            if made["cid"] and is_cid(called) and called not in {each["cid"] for each in files}:
                made["cid"] = called
            files.append(made)
            bodies[bytes.fromhex(made["hash"])] = body
        if len(files) == len(before):
            raise Invalid(details={"file": ["Send at least one file."]})
        self._bounded(files)
        for digest, body in bodies.items():
            row = {"workspace_id": self.workspace_id, "id": new_id(), "hash": digest, "body": body}
            self.session.execute(
                insert(TemplateFile)
                .values(row)
                .on_conflict_do_nothing(index_elements=["workspace_id", "hash"])
            )
        return self.services(Templates).change(template, {"files": files})

    def remove(self, template: EmailTemplate, name: str) -> WholeTemplate:
        """A version without this file. Raises NotFound."""
        before = self._locked(template)
        files = [each for each in before if each["name"] != name]
        if len(files) == len(before):
            raise NotFound
        return self.services(Templates).change(template, {"files": files})

    def read(self, version: EmailTemplateVersion, name: str) -> tuple[dict[str, Any], bytes]:
        """A file of a version with its octets. Raises NotFound."""
        for each in version.files:
            if each["name"] == name:
                return each, self.bodies([each])[each["hash"]]
        raise NotFound

    def in_place(self, version: Any, html: str) -> str:
        """The HTML for a page, with the pictures of the message in it. `version` may be a draft."""
        shown: Mapping[str, str] = version.compiled.get("shown", {})
        if not shown:
            return html
        files = {each["hash"]: each for each in version.files}
        bodies = self.bodies(list(files.values()))
        for id, digest in shown.items():
            if digest in bodies:
                data = base64.b64encode(bodies[digest]).decode()
                html = html.replace(f"cid:{id}", f"data:{files[digest]['kind']};base64,{data}")
        return html

    def bodies(self, files: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
        """The octets by the hex of their hash."""
        wanted = {bytes.fromhex(each["hash"]) for each in files}
        if not wanted:
            return {}
        rows = select(TemplateFile.hash, TemplateFile.body).where(
            TemplateFile.workspace_id == self.workspace_id, TemplateFile.hash.in_(wanted)
        )
        return {digest.hex(): body for digest, body in self.session.execute(rows)}

    def _locked(self, template: EmailTemplate) -> list[dict[str, Any]]:
        if template.archived_at is not None:
            raise Conflict("This template is archived. Bring it back before you change it.")
        self.session.refresh(template, with_for_update=True)
        return list(self.services(Templates).whole(template).version.files)

    def _bounded(self, files: Sequence[Mapping[str, Any]]) -> None:
        most, octets = (
            self.services.settings.attachments_most,
            self.services.settings.attachments_mb * 1_000_000,
        )
        if len(files) > most:
            raise Invalid(details={"file": [f"A template may have {most} files at the most."]})
        if sum(each["size"] for each in files) > octets:
            said = f"The files of a template may have {octets // 1_000_000} MB together."
            raise Invalid(details={"file": [said]})
