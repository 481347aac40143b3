"""What limits the rate of mail, as people see and set it."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.base.i18n import _
    from autoloop.mail.governor import breaks
    from autoloop.mail.sending import resources
    from autoloop.mail.services.references import paused_senders
    from autoloop.workspaces.resources import Workspace

    registrations = config.registry.registrations
    registrations.fact_loaders["paused_senders"] = paused_senders
    registrations.due_kinds[breaks.KIND.name] = breaks.KIND
    config.add_child(Workspace, "sending", resources.Sending)
    config.add_child(resources.Sending, "limits", resources.Limits)
    config.scan("autoloop.mail.sending")
    config.add_nav("sending", _("Sending rate"), "timer", section="Understand", order=47)
