"""Sign in with an email address and a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander
from pyramid.i18n import TranslationStringFactory

from autoloop.plugins.auth import AuthContext, AuthMethod, AuthOutcome, Denied, SignedIn

__all__ = ["Password"]

_ = TranslationStringFactory("autoloop")


class Password(AuthMethod):
    """An email address and a password, checked by AutoLoop's accounts."""

    name, title, icon = "password", _("Email and password"), "key"

    class Form(colander.MappingSchema):
        email = colander.SchemaNode(
            colander.String(),
            title=_("Email"),
            validator=colander.Length(max=254),
            ui={"widget": "email", "autocomplete": "username"},
        )
        password = colander.SchemaNode(
            colander.String(),
            title=_("Password"),
            validator=colander.Length(max=1000),
            ui={"widget": "password", "autocomplete": "current-password"},
        )

    def sign_in(self, context: AuthContext, given: Mapping[str, Any]) -> AuthOutcome:
        verdict = context.accounts.verify_password(given["email"], given["password"])
        if verdict.user_id is not None:
            return SignedIn(verdict.user_id)
        if verdict.wait:
            return Denied(
                _("There were too many attempts. Wait a little and try again."), retry_after=verdict.wait
            )
        return Denied(_("This email address and password do not belong together."))
