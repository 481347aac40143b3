"""Widgets that choose among what the workspace has: templates, senders, tags, fields, events …

A domain that has such things registers a fact loader `<widget>_choices`(services, q, keep), which
returns at most `choices.MOST` Choices: those that `keep` names by their value, and others that match `q`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from autoloop.base.choices import Choice
from autoloop.base.i18n import _
from autoloop.web.widgets.basic import Text, text_in
from autoloop.web.widgets.form import ABSENT, Field, Form, Schema
from autoloop.web.widgets.lists import List
from autoloop.web.widgets.trees import Tree, keys_of

__all__ = ["CHOSEN", "choices_of"]


def choices_of(form: Form, kind: str, keep: Iterable[str] = (), q: str = "") -> list[Choice]:
    """What there is of a kind; asked once for a form."""
    services = form.request.services
    loader = services.registrations.fact_loaders.get(f"{kind}_choices")
    if loader is None:
        return []
    known = form.request.__dict__.setdefault("widget_choices", {})
    wanted = tuple(sorted(set(keep)))
    if (kind, wanted, q) not in known:
        known[kind, wanted, q] = list(loader(services, q, wanted))
    return list(known[kind, wanted, q])


class Chosen(Text):
    """One of the workspace's records, by its id. `made_at` is where another is made."""

    def __init__(self, kind: str, made_at: str, none: Any, new: Any) -> None:
        super().__init__("chosen")
        self.kind, self.made_at, self.none, self.new = kind, made_at, none, new

    def options(self, field: Field) -> list[Choice]:
        """What there is, and what is chosen even if it is gone."""
        text = field.text
        found = choices_of(field.form, self.kind, [text] if text else [])
        if text and all(each.value.lower() != text.lower() for each in found):
            gone = field.form.request.localizer.translate(_("Not there any more"))
            return [*found, Choice(text, f"{gone}: {text[:40]}")]
        return found

    def href(self, field: Field) -> str:
        """Where another is made."""
        request = field.form.request
        return str(request.resource_url(request.workspace_node)) + self.made_at

    def chosen(self, field: Field, choice: Choice) -> bool:
        return choice.value.lower() == field.text.lower()


class Suggested(Text):
    """A text; what there is already is suggested while one types."""

    def __init__(self, kind: str) -> None:
        super().__init__("suggested")
        self.kind = kind

    def options(self, field: Field) -> list[Choice]:
        return choices_of(field.form, field.ui.get("of", self.kind))


class FieldName(Text):
    """A field of contacts (or of what `ui.of` names): `title`, `fields.plan`.

    `ui.own` are the fields that every record has, `ui.kinds` the kinds of custom fields that fit.
    """

    def __init__(self) -> None:
        super().__init__("field_name")

    def options(self, field: Field) -> list[Choice]:
        shown = fields_of(field)
        if field.text and all(each.value != field.text for each in shown):
            shown.append(Choice(field.text, field.text))
        return shown


def fields_of(field: Field) -> list[Choice]:
    own = [Choice(name, name.replace("_", " ").capitalize()) for name in field.ui.get("own", ())]
    custom = choices_of(field.form, f"{field.ui.get('of', 'contact')}_field")
    kinds = field.ui.get("kinds") or {each.note for each in custom}
    return [*own, *(Choice(each.value, each.title, each.note) for each in custom if each.note in kinds)]


class Several(List):
    """Some of the fields that FieldName offers, as boxes to tick; what was written by hand stays."""

    macro = "several"

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        if not all(isinstance(each, str) for each in value):
            raise ValueError("holds something that is no text")
        return {str(index): each for index, each in enumerate(value)}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        found = [text_in(tree[key]).strip() for key in keys_of(tree)]
        return list(dict.fromkeys(each for each in found if each)) or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return isinstance(value, list) and sorted(value) == sorted([] if back is ABSENT else back)

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())

    def options(self, field: Field) -> list[tuple[Choice, bool]]:
        held = self.read(field.form, field.schema, field.tree, field.name)
        chosen = [] if held is ABSENT else held
        found = fields_of(field)
        gone = [Choice(each, each) for each in chosen if all(each != one.value for one in found)]
        return [(each, each.value in chosen) for each in (*found, *gone)]


CHOSEN: Mapping[str, Any] = {
    "template": Chosen("template", "templates/new", _("Choose a template"), _("New template")),
    "sender": Chosen("sender", "senders", _("The workspace's first sender"), _("Senders")),
    "credential": Chosen("credential", "credentials", _("No credential"), _("New credential")),
    "segment": Chosen("segment", "segments/new", _("Choose a segment"), _("New segment")),
    "workflow": Chosen("workflow", "workflows", _("Choose a workflow"), _("Workflows")),
    "form": Chosen("form", "forms", _("Choose a form"), _("New form")),
    "hook": Chosen("hook", "webhooks", _("Choose a webhook"), _("New webhook")),
    "member": Chosen("member", "members", _("Choose a member"), _("Members")),
    "tag": Suggested("tag"),
    "topic": Suggested("topic"),
    "event": Suggested("event"),
    "contact_field": FieldName(),
    "contact_fields": Several(),
}
