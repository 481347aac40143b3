"""Places of forms in the tree: /w/{workspace}/forms/{id}, and in public /f/{token}."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import Allow, Everyone
from pyramid.decorator import reify

from autoloop.base.errors import NotFound
from autoloop.engine.forms.services import Forms as FormService
from autoloop.engine.models import Form as FormModel
from autoloop.web.permissions import Permission
from autoloop.web.tree import Collection, Node, Row

__all__ = ["Form", "Forms", "PublicForm", "PublicForms"]


class Form(Row):
    """One form."""

    def load(self) -> Any | None:
        return self.request.services(FormService).find(self.id)


class Forms(Collection):
    """The workspace's forms."""

    row_node = Form


class PublicForm(Node):
    """A form as everybody sees it. Cookies and sessions play no part."""

    @reify
    def form(self) -> FormModel:
        found: FormModel | None = self.request.services(FormService).open(self.__name__)
        if found is None:
            raise NotFound
        return found


class PublicForms(Node):
    """`/f/{token}`"""

    __acl__: ClassVar = [(Allow, Everyone, Permission.PUBLIC)]

    def member(self, name: str) -> Node:
        if not 20 <= len(name) <= 40:
            raise KeyError(name)
        return PublicForm(self, name)
