"""Mail: templates, senders, and every email from intent to its last known fate."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    from autoloop.mail.delivery import DUE_KINDS
    from autoloop.mail.governor import health
    from autoloop.mail.services import domains
    from autoloop.mail.services.attribution import attribute
    from autoloop.mail.services.barring import barred_sql
    from autoloop.mail.services.erasing import erase, export
    from autoloop.mail.services.explaining import explain_contact, explain_emails
    from autoloop.mail.services.happenings import EVENT_NAMES, on_events
    from autoloop.mail.services.history import email_history, timeline
    from autoloop.mail.services.intents import ask_for_emails, cancel_of_runs
    from autoloop.mail.services.merging import merge
    from autoloop.mail.services.references import (
        existing_senders,
        existing_templates,
        named_senders,
        named_templates,
        senders_to_choose,
        templates_to_choose,
        unlocated_senders,
    )
    from autoloop.mail.services.simulating import simulated_email
    from autoloop.mail.services.system import send_system_mail
    from autoloop.mail.templates.documents import make_template, says_the_same, template_documents

    registrations = config.registry.registrations
    registrations.due_kinds |= {kind.name: kind for kind in (*DUE_KINDS, domains.KIND, health.KIND)}
    registrations.event_names |= EVENT_NAMES
    registrations.effect_handlers |= {
        "send_email": ask_for_emails,
        "end_runs": cancel_of_runs,
        "leave_runs": cancel_of_runs,
        "on_events": on_events,
        "attribute_events": attribute,
    }
    registrations.fact_loaders["email_history"] = email_history
    registrations.fact_loaders["template_exists"] = existing_templates
    registrations.fact_loaders["sender_exists"] = existing_senders
    registrations.fact_loaders["unlocated_senders"] = unlocated_senders
    registrations.fact_loaders |= {"template_named": named_templates, "sender_named": named_senders}
    registrations.fact_loaders["template_documents"] = template_documents
    registrations.fact_loaders["template_says_the_same"] = says_the_same
    registrations.effect_handlers["make_template"] = make_template
    registrations.fact_loaders["template_choices"] = templates_to_choose
    registrations.fact_loaders["sender_choices"] = senders_to_choose
    registrations.simulators["send_email"] = simulated_email
    registrations.explainers |= {"emails": explain_emails, "contact": explain_contact}
    registrations.fact_loaders["barred_sql"] = barred_sql
    registrations.timeline_sources["emails"] = timeline
    registrations.erasers["mail"] = erase
    registrations.exporters["mail"] = export
    registrations.mergers["mail"] = merge
    registrations.system_mail = send_system_mail
    _hang(config)
    config.include("autoloop.mail.templates")
    config.include("autoloop.mail.preferences")
    config.include("autoloop.mail.tracking")
    config.include("autoloop.mail.inbound")
    config.include("autoloop.mail.sending")


def _hang(config: Configurator) -> None:
    """Where mail stands in the tree and in the side bar."""
    from autoloop.base.i18n import _
    from autoloop.mail import resources
    from autoloop.web.permissions import Permission
    from autoloop.workspaces.resources import Workspace

    config.add_child(Workspace, "emails", resources.Emails)
    config.add_child(resources.Emails, "unknown", resources.UnknownEmails)
    config.add_child(Workspace, "mailbox", resources.Captures)
    config.add_child(Workspace, "senders", resources.Senders)
    config.add_child(Workspace, "domains", resources.Domains)
    config.add_child(resources.Domain, "keys", resources.DomainKeys)
    config.add_child(Workspace, "providers", resources.Providers)
    config.add_child(resources.Providers, "rules", resources.ProviderRules)
    config.add_child(Workspace, "suppressions", resources.Suppressions)
    config.add_child(config.registry.root_class, "admin", resources.Admin)
    config.add_child(resources.Admin, "suppressions", resources.InstanceSuppressions)
    config.add_child(config.registry.root_class, "connected", resources.Connected)
    config.scan("autoloop.mail.views")
    config.scan("autoloop.mail.pages")
    config.add_nav("emails", _("Email log"), "send", section="Understand", order=45, key="e")
    config.add_nav("mailbox", _("Mailbox"), "inbox", section="Understand", order=46, key="m")
    config.add_nav("senders", _("Senders"), "user-pen", section="Manage", order=60)
    config.add_nav("domains", _("Domains"), "globe", section="Manage", order=61)
    config.add_nav(
        "providers",
        _("Providers"),
        "plug",
        section="Manage",
        order=62,
        permission=Permission.MANAGE_PROVIDERS,
    )
    config.add_nav("suppressions", _("Suppressions"), "octagon-x", section="Manage", order=64)
