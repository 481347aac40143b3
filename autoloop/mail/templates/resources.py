"""Places of email templates in the tree: templates/{id}/versions/{n}."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.decorator import reify

from autoloop.base.errors import NotFound
from autoloop.mail.models import EmailTemplate, EmailTemplateVersion
from autoloop.mail.templates import services
from autoloop.web import Collection, Node, Row

__all__ = ["File", "Files", "Template", "Templates", "Version", "Versions"]


class Template(Row):
    """One email template."""

    def load(self) -> EmailTemplate | None:
        return self.request.services(services.Templates).find(self.id)


class Templates(Collection):
    """The email templates of the workspace."""

    row_node: ClassVar = Template


class Version(Node):
    """One saved state of a template, by its number. Never changes."""

    parameter: ClassVar = "number"

    def __init__(self, parent: Versions, name: str, number: int) -> None:
        super().__init__(parent, name)
        self.number = number

    @reify
    def row(self) -> EmailTemplateVersion:
        template = self.__parent__.__parent__.row  # type: ignore[union-attr]
        row = self.request.services(services.Templates).version(template.id, self.number)
        if row is None:
            raise NotFound
        return row


class Versions(Node):
    """The versions of a template."""

    row_node: ClassVar = Version

    def member(self, name: str) -> Node:
        if not name.isascii() or not name.isdecimal() or len(name) > 9 or name.startswith("0"):
            raise KeyError(name)
        return Version(self, name, int(name))

    @property
    def template(self) -> Any:
        return self.__parent__


class File(Node):
    """A file of a template's current version, by its name."""

    parameter: ClassVar = "name"

    @property
    def template(self) -> Any:
        return self.__parent__.template  # type: ignore[union-attr]


class Files(Node):
    """What a template sends along."""

    row_node: ClassVar = File

    def member(self, name: str) -> Node:
        return File(self, name)

    @property
    def template(self) -> Any:
        return self.__parent__
