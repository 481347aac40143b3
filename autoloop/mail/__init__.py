"""Mail: templates, senders, and every email from intent to its last known fate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyramid.config import Configurator

if TYPE_CHECKING:
    from autoloop.base.registrations import Registrations


def includeme(config: Configurator) -> None:
    _work(config.registry.registrations)
    _know(config.registry.registrations)
    _remember(config.registry.registrations)
    _hang(config)
    config.include("autoloop.mail.templates")
    config.include("autoloop.mail.preferences")
    config.include("autoloop.mail.tracking")
    config.include("autoloop.mail.inbound")
    config.include("autoloop.mail.sending")


def _work(registrations: Registrations) -> None:
    """What mail does when it is due, when runs ask for it, and when events tell of it."""
    from autoloop.mail.delivery import DUE_KINDS
    from autoloop.mail.governor import health
    from autoloop.mail.services import domains
    from autoloop.mail.services.attribution import attribute
    from autoloop.mail.services.happenings import EVENT_NAMES, on_events
    from autoloop.mail.services.intents import ask_for_emails, cancel_of_runs
    from autoloop.mail.services.simulating import simulated_email
    from autoloop.mail.services.system import send_system_mail, system_mail_leaves
    from autoloop.mail.templates.documents import make_template

    registrations.due_kinds |= {kind.name: kind for kind in (*DUE_KINDS, domains.KIND, health.KIND)}
    registrations.event_names |= EVENT_NAMES
    registrations.effect_handlers |= {
        "send_email": ask_for_emails,
        "end_runs": cancel_of_runs,
        "leave_runs": cancel_of_runs,
        "on_events": on_events,
        "attribute_events": attribute,
        "make_template": make_template,
    }
    registrations.simulators["send_email"] = simulated_email
    registrations.system_mail = send_system_mail
    registrations.system_mail_leaves = system_mail_leaves


def _know(registrations: Registrations) -> None:
    """What others ask mail for: history, templates, senders, and who must not be mailed."""
    from autoloop.base.i18n import _
    from autoloop.base.search import Source, by_name
    from autoloop.mail.models import EmailTemplate
    from autoloop.mail.services import references
    from autoloop.mail.services.barring import barred_sql
    from autoloop.mail.services.history import email_history
    from autoloop.mail.templates.documents import says_the_same, template_documents

    registrations.fact_loaders |= {
        "email_history": email_history,
        "barred_sql": barred_sql,
        "template_exists": references.existing_templates,
        "template_named": references.named_templates,
        "template_choices": references.templates_to_choose,
        "template_documents": template_documents,
        "template_says_the_same": says_the_same,
        "sender_exists": references.existing_senders,
        "sender_named": references.named_senders,
        "sender_choices": references.senders_to_choose,
        "unlocated_senders": references.unlocated_senders,
    }
    registrations.search_sources["templates"] = Source(_("Templates"), by_name(EmailTemplate))


def _remember(registrations: Registrations) -> None:
    """What is told of a person's mail, and what becomes of it with the person."""
    from autoloop.mail.services.erasing import erase, export
    from autoloop.mail.services.explaining import explain_contact, explain_emails
    from autoloop.mail.services.history import timeline
    from autoloop.mail.services.merging import merge

    registrations.explainers |= {"emails": explain_emails, "contact": explain_contact}
    registrations.timeline_sources["emails"] = timeline
    registrations.erasers["mail"] = erase
    registrations.exporters["mail"] = export
    registrations.mergers["mail"] = merge


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
