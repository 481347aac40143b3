"""Forms: public pages and snippets that ask people for their address and start runs."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator

__all__ = ["EVENT", "includeme"]

EVENT = "form.submitted"


def includeme(config: Configurator) -> None:
    from autoloop.base.i18n import _
    from autoloop.base.search import Source, by_name
    from autoloop.engine.forms.resources import Forms, PublicForms
    from autoloop.engine.models import Form
    from autoloop.workspaces.resources import Workspace

    registry: Any = config.registry
    registry.registrations.event_names[EVENT] = "A person filled in a form"
    registry.registrations.search_sources["forms"] = Source(_("Forms"), by_name(Form))
    config.add_child(Workspace, "forms", Forms)  # type: ignore[attr-defined]
    config.add_child(registry.root_class, "f", PublicForms)  # type: ignore[attr-defined]
    config.add_nav("forms", _("Forms"), "file-text", section="Manage", order=68)  # type: ignore[attr-defined]
    config.scan("autoloop.engine.forms.views")
    config.scan("autoloop.engine.forms.pages")
    config.scan("autoloop.engine.forms.public")
