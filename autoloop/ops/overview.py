"""A workspace's first page: what ran, what waits for a person, and what a new workspace still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pyramid.config import Configurator
from sqlalchemy import text

from autoloop.base.i18n import _
from autoloop.base.services import Services

Fact = Mapping[str, Any]

# One round trip; row-level security keeps it to the workspace.
FIGURES = text("""
select
  (select count(*) from business_contacts where workspace_id = :w) as contacts,
  (select count(*) from businesses where workspace_id = :w) as businesses,
  (select count(*) from workflow_runs where workspace_id = :w and ended_at is null) as going,
  (select count(*) from email_logs where workspace_id = :w and sent_at > now() - interval '7 days') as sent,
  (select count(*) from events where workspace_id = :w and name = 'email.replied'
     and received_at > now() - interval '7 days') as replies""")

# Days as the workspace's own clock has them; today is not over yet.
DAILY = text("""
select (e.sent_at at time zone w.timezone)::date as day, count(*) as sent
from workspaces w join email_logs e on e.workspace_id = w.id
where w.id = :w and e.sent_at > now() - interval '14 days'
group by 1""")

TODAY = text("select (now() at time zone timezone)::date from workspaces where id = :w")

TROUBLE = text("""
select
  (select count(*) from workflow_runs where workspace_id = :w and status = 'failed' and ended_at > now() - interval '7 days') as failed,
  (select count(*) from workflow_runs where workspace_id = :w and status = 'quarantined') as quarantined,
  (select count(*) from workflow_runs where workspace_id = :w and status = 'blocked') as blocked,
  (select count(*) from email_logs where workspace_id = :w and status = 'unknown') as unknown,
  (select count(*) from email_logs where workspace_id = :w and status in ('rejected', 'bounced')
     and updated_at > now() - interval '7 days') as undelivered,
  (select count(*) from senders where workspace_id = :w and status = 'paused' and paused_because is not null) as senders,
  (select count(*) from imports where workspace_id = :w and status = 'ready') as imports""")

STEPS = text("""
select
  exists (select 1 from workspaces where id = :w and postal_address <> '') as address,
  exists (select 1 from business_contacts where workspace_id = :w) as contacts,
  exists (select 1 from provider_accounts where workspace_id = :w and status = 'active') as account,
  exists (select 1 from senders where workspace_id = :w) as sender,
  exists (select 1 from email_templates where workspace_id = :w) as template,
  exists (select 1 from automation_workflows where workspace_id = :w and live_version_id is not null) as workflow""")


def includeme(config: Configurator) -> None:
    loaders = config.registry.registrations.fact_loaders
    loaders.setdefault("overview", []).append(figures)
    loaders["attention"] = attention
    loaders["daily"] = daily
    loaders["checklist"] = checklist


def figures(services: Services) -> list[Fact]:
    row = _one(services, FIGURES)
    return [
        {"title": _("Contacts"), "value": row.contacts, "path": "contacts"},
        {"title": _("Businesses"), "value": row.businesses, "path": "businesses"},
        {"title": _("Runs under way"), "value": row.going, "path": "runs"},
        {"title": _("Emails sent"), "value": row.sent, "note": _("last 7 days"), "path": "emails"},
        {"title": _("Replies"), "value": row.replies, "note": _("last 7 days")},
    ]


def daily(services: Services) -> list[Fact]:
    """Emails sent on each of the last 14 days, oldest first. Empty if none was."""
    rows = services.session.execute(DAILY, {"w": services.workspace_id}).all()
    sent: dict[date, int] = {row.day: row.sent for row in rows}
    if not sent:
        return []
    today: date = services.session.execute(TODAY, {"w": services.workspace_id}).scalar_one()
    days = [today - timedelta(days=ago) for ago in range(13, -1, -1)]
    return [{"day": day, "sent": sent.get(day, 0)} for day in days]


def attention(services: Services) -> list[Fact]:
    """What is wrong or waits for a person: text, tone, path."""
    row = _one(services, TROUBLE)
    lines = [
        (row.senders, _("senders were paused, because their mail did harm"), "bad", "senders"),
        (row.unknown, _("emails whose fate is unknown: settle them"), "warn", "emails?status=unknown"),
        (row.failed, _("runs failed in the last 7 days"), "bad", "runs?status=failed"),
        (row.quarantined, _("runs broke their workers and are set aside"), "bad", "runs?status=quarantined"),
        (row.blocked, _("runs wait for a plugin that is missing"), "warn", "runs?status=blocked"),
        (
            row.undelivered,
            _("emails were refused or bounced in the last 7 days"),
            "warn",
            "emails?status=bounced",
        ),
        (row.imports, _("imports wait for you to check their columns"), "info", "imports"),
    ]
    return [
        {"count": count, "text": words, "tone": tone, "path": path}
        for count, words, tone, path in lines
        if count
    ]


def checklist(services: Services) -> list[Fact]:
    """The way to a first delivered email, each step done or not. Empty once all are done."""
    row = _one(services, STEPS)
    steps = [
        (row.address, _("Give your postal address"), _("Marketing mail must carry it."), "settings"),
        (row.contacts, _("Bring in your contacts"), _("A CSV file from any program will do."), "imports"),
        (
            row.account,
            _("Give mail a way out"),
            _("A mailbox in here to try, or your own server."),
            "providers",
        ),
        (row.sender, _("Add a sender"), _("The name and address your mail comes from."), "senders"),
        (row.template, _("Write a template"), _("With a preview as any contact will see it."), "templates"),
        (
            row.workflow,
            _("Publish a workflow"),
            _("Then contacts walk through it, and you can watch."),
            "workflows",
        ),
    ]
    if all(done for done, *_rest in steps):
        return []
    return [{"done": done, "title": title, "text": words, "path": path} for done, title, words, path in steps]


def _one(services: Services, statement: Any) -> Any:
    return services.session.execute(statement, {"w": services.workspace_id}).one()
