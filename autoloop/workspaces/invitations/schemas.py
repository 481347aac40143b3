"""Shapes of invitations, in and out."""

from __future__ import annotations

import colander

from autoloop.accounts.passwords import MAXIMUM
from autoloop.accounts.schemas import text
from autoloop.base.i18n import _
from autoloop.workspaces.schemas import AddMember, moment

__all__ = ["InvitationOut", "Invite", "Join", "SentInvitationOut"]


class Invite(AddMember):
    """An address, and the role that waits for it."""


class InvitationOut(colander.MappingSchema):
    id = text("Id")
    email = text("Whom it is for")
    role = text("Role")
    invited_by = text("Who invited", missing=None)
    invited_by_name = text("Their name", missing=None)
    created_at = moment("Made")
    expires_at = moment("Expires")
    expired = colander.SchemaNode(colander.Boolean(), title="The link is too old; send it again")


class SentInvitationOut(InvitationOut):
    link = text("The link to pass on. It is shown this once.", 2000)
    mailed = colander.SchemaNode(colander.Boolean(), title="The link goes to the address by mail too")


class Join(colander.MappingSchema):
    """The account of who has none yet."""

    name = text(_("Your name"), 120)
    password = text(_("Password"), MAXIMUM)
