"""Shapes of workspaces, in and out."""

from __future__ import annotations

import colander

from autoloop.accounts.schemas import language, text
from autoloop.accounts.services.api_keys import SCOPES
from autoloop.base.i18n import _
from autoloop.web.input import ListQuery
from autoloop.workspaces.mail_limits import CompanyCap, SenderHealth
from autoloop.workspaces.models import ROLE_NAMES
from autoloop.workspaces.services.calendars import MOST_HOLIDAYS

__all__ = [
    "AddMember",
    "ApiKeyOut",
    "AuditOut",
    "AuditQuery",
    "ChangeMember",
    "ChangeSettings",
    "Claim",
    "ClaimedOut",
    "CreateApiKey",
    "CreateWorkspace",
    "MemberOut",
    "NewApiKeyOut",
    "SettingsOut",
    "WorkspaceOut",
    "WorkspaceRowOut",
]


def moment(title: object, **options: object) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), title=title, **options)


def role(**options: object) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(), title=_("Role"), validator=colander.OneOf(ROLE_NAMES), **options
    )


TRACKING = ("off", "marketing", "all")


class CreateWorkspace(colander.MappingSchema):
    name = text(_("Name"), 120)
    slug = text(_("Address"), 40, missing=None)
    timezone = text(_("Time zone"), 60, missing="UTC")


class WorkspaceRowOut(colander.MappingSchema):
    id = text("Id")
    slug = text("Address")
    name = text("Name")
    timezone = text("Time zone")
    role = text("Your role")
    created_at = moment("Made")


class WorkspaceOut(WorkspaceRowOut):
    locale = text("Language")
    postal_address = text("Postal address")


class Holidays(colander.SequenceSchema):
    day = text(_("Date, like 2026-12-25"), 10)


class Weekdays(colander.SequenceSchema):
    day = colander.SchemaNode(colander.Integer(), validator=colander.Range(1, 7), title=_("1 is Monday"))


class ChangeSettings(colander.MappingSchema):
    name = text(_("Name"), 120, missing=colander.drop)
    slug = text(_("Address"), 40, missing=colander.drop)
    postal_address = colander.SchemaNode(
        colander.String(allow_empty=True),
        title=_("Postal address"),
        validator=colander.Length(max=1000),
        missing=colander.drop,
    )
    timezone = text(_("Time zone"), 60, missing=colander.drop)
    locale = language()
    working_days = Weekdays(title=_("Working days"), validator=colander.Length(max=7), missing=colander.drop)
    holidays = Holidays(
        title=_("Holidays"), validator=colander.Length(max=MOST_HOLIDAYS), missing=colander.drop
    )
    company_cap = CompanyCap(
        title=_("Marketing mail to one company; null for no limit"), missing=colander.drop
    )
    sender_health = SenderHealth(title=_("What pauses a sender; null for nothing"), missing=colander.drop)
    tracking = colander.SchemaNode(
        colander.String(),
        title=_("Opens and clicks of contacts who agree are recorded: off, marketing, all"),
        validator=colander.OneOf(TRACKING),
        missing=colander.drop,
    )


class SettingsOut(colander.MappingSchema):
    id = text("Id")
    slug = text("Address")
    name = text("Name")
    postal_address = text("Postal address, at the foot of marketing mail")
    timezone = text("Time zone")
    locale = text("Language")
    working_days = Weekdays(title="Weekdays on which people work; 1 is Monday")
    holidays = Holidays(title="Days on which nobody works")
    company_cap = CompanyCap(title="How much marketing mail one company gets; null is no limit", missing=None)
    sender_health = SenderHealth(
        title="What pauses a sender, in percent of the mails of so many days; null is nothing", missing=None
    )
    tracking = text("Of which mail opens and clicks are recorded, of contacts who agree: off, marketing, all")
    updated_at = moment("Changed")


class AddMember(colander.MappingSchema):
    email = text(_("Email"), 254)
    role = role()


class ChangeMember(colander.MappingSchema):
    role = role()


class MemberOut(colander.MappingSchema):
    id = text("The person's id")
    name = text("Name")
    email = text("Email")
    role = text("Role")
    created_at = moment("Since")
    updated_at = moment("Role changed")


class Scopes(colander.SequenceSchema):
    scope = colander.SchemaNode(colander.String(), validator=colander.OneOf(SCOPES))


class CreateApiKey(colander.MappingSchema):
    name = text(_("Name"), 120)
    scopes = Scopes(title=_("Scopes"), validator=colander.Length(min=1, max=2))
    expires_at = moment(_("Expires"), missing=None)


class ApiKeyOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    prefix = text("What the key begins with, after al_")
    scopes = Scopes()
    user_id = text("Whose rights it has at the most")
    user_name = text("Their name")
    created_at = moment("Made")
    expires_at = moment("Expires", missing=None)
    last_used_at = moment("Last used, to the minute", missing=None)
    revoked_at = moment("Revoked", missing=None)


class NewApiKeyOut(ApiKeyOut):
    key = text("The key itself. It is shown this once.")


class AuditQuery(ListQuery):
    action = text("Only this action", 100, missing=None)


class AuditOut(colander.MappingSchema):
    id = text("Id")
    action = text("What happened")
    subject = text("To what")
    data = colander.SchemaNode(colander.Mapping(unknown="preserve"), title="Details")
    user_id = text("Who did it", missing=None)
    user_name = text("Their name", missing=None)
    created_at = moment("When")


class Claim(colander.MappingSchema):
    token = text("Token of the link", 200)
    name = text(_("Your name"), 120)
    email = text(_("Email"), 254)
    password = text(_("Password"), 1000)
    workspace = text(_("Name of your workspace"), 120)


class ClaimedOut(colander.MappingSchema):
    user_id = text("The first account")
    workspace = text("Address of the first workspace")
