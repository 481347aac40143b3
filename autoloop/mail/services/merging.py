"""Two contacts become one: its emails follow, and so does what forbids to mail it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from autoloop.base.services import Services
from autoloop.businesses.models import Contact
from autoloop.mail.services.suppressions import Suppressions

__all__ = ["merge"]

HOLD = text("""
select id from email_logs where workspace_id = :workspace and contact_id = :gone order by id for no key update
""")

EMAILS = text(
    "update email_logs set contact_id = :keep where workspace_id = :workspace and contact_id = :gone"
)

# Of what the two wished for, the stricter counts.
WISHES = text("""
update business_contacts k set mail_pace_days = greatest(k.mail_pace_days, g.mail_pace_days),
  mail_paused_until = greatest(k.mail_paused_until, g.mail_paused_until)
from business_contacts g where g.workspace_id = k.workspace_id and g.id = :gone
  and k.workspace_id = :workspace and k.id = :keep""")


def merge(services: Services, keep: UUID, gone: UUID) -> None:
    """Give the emails of contact `gone` to `keep`. An address that must not be mailed forbids the
    survivor's too: it is the same person who said so, or complained."""
    given = {"workspace": services.workspace_id, "keep": keep, "gone": gone}
    services.session.execute(HOLD, given)
    services.session.execute(EMAILS, given)
    services.session.execute(WISHES, given)
    old = services.session.get(Contact, (services.workspace_id, gone))
    new = services.session.get(Contact, (services.workspace_id, keep))
    if not (old and new and old.email and new.email):
        return
    lists = services(Suppressions)
    for reason in lists.of_address(old.email):
        if reason != "bounced":  # that is of the mailbox, not of the person
            lists.suppress(new.email, reason, note="merged")
