"""Email templates: what people write, compiled once per version and rendered for each contact.

`markdown` and `plaintext` turn sources into HTML and HTML into text, `source` compiles and checks a
version, `services` are the verbs, `carrying` those of files. Filling a version for one person is
`autoloop.mail.render`.
Pages lie in `templates/`.
"""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.base.i18n import _
    from autoloop.mail.templates import resources
    from autoloop.workspaces.resources import Workspace

    config.add_child(Workspace, "templates", resources.Templates)
    config.add_child(resources.Template, "versions", resources.Versions)
    config.add_child(resources.Template, "files", resources.Files)
    config.add_nav("templates", _("Templates"), "mail", section="Automate", order=30, key="t")
    config.scan("autoloop.mail.templates.views")
    config.scan("autoloop.mail.templates.pages")
    config.scan("autoloop.mail.templates.attaching")
