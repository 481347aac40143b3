"""What limits the rate of mail: limits that people set, units used of a day, and what slowed down by itself."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk

__all__ = ["LimitDay", "MailBreak", "MailBucket", "MailLimit", "MailSlowing"]

PERIODS = ("per_second", "per_minute", "per_hour", "per_day")


class MailLimit(InWorkspace, Stamped, Base):
    """How much mail may leave through an account, from a sender or a sending domain, to a recipient domain,
    or, where none of these is named, from the whole workspace.

    `recipient_domain` is in lower case; `*` stands for each domain by itself. Days are those of the
    workspace's zone.
    """

    __tablename__ = "mail_limits"
    __table_args__ = (
        Index(
            "uq_mail_limits_target",
            *("workspace_id", "account_id", "sender_id", "domain_id", "recipient_domain"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "num_nonnulls(account_id, sender_id, domain_id, recipient_domain) <= 1", name="target"
        ),
        CheckConstraint("num_nonnulls(per_second, per_minute, per_hour, per_day) > 0", name="given"),
        CheckConstraint("least(per_second, per_minute, per_hour) > 0 and per_day >= 0", name="figures"),
        CheckConstraint("recipient_domain = lower(recipient_domain)", name="recipient_domain_lower"),
        tenant_fk("account_id", "provider_accounts"),
        tenant_fk("sender_id", "senders"),
        tenant_fk("domain_id", "sending_domains"),
    )

    account_id: Mapped[UUID | None]
    sender_id: Mapped[UUID | None]
    domain_id: Mapped[UUID | None]
    recipient_domain: Mapped[str | None]
    per_second: Mapped[int | None]
    per_minute: Mapped[int | None]
    per_hour: Mapped[int | None]
    per_day: Mapped[int | None]


class LimitDay(Base):
    """How much of a limit's day is used; `domain` tells the domains of a `*` limit apart."""

    __tablename__ = "limit_days"
    __table_args__ = (tenant_fk("limit_id", "mail_limits"), CheckConstraint("used >= 0", name="used"))

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    limit_id: Mapped[UUID] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(server_default="0")


class MailBucket(Base):
    """A token bucket while Redis does not answer. `prompt_at` and `bulk_at`: the last moment each lane was given."""

    __tablename__ = "mail_buckets"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    filled_at: Mapped[float]
    prompt_at: Mapped[float] = mapped_column(server_default=text("0"))
    bulk_at: Mapped[float] = mapped_column(server_default=text("0"))


class MailSlowing(Base):
    """How one account's mail to one domain (`domain` empty: all its mail) was slowed by what the other side said.

    `rate` is in mails a second, null while it is not slowed; from `ceiling` on it is free again. `open_until`
    is the end of a break; then one mail at a time, until `probe_until`, finds out whether it is over.
    """

    __tablename__ = "mail_slowings"
    __table_args__ = (
        tenant_fk("account_id", "provider_accounts"),
        Index(
            "idx_mail_slowings_open",
            *("workspace_id", "account_id", "domain"),
            postgresql_where=text("open_until is not null"),
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    rate: Mapped[float | None]
    ceiling: Mapped[float] = mapped_column(server_default=text("0"))
    failures: Mapped[int] = mapped_column(server_default="0")
    openings: Mapped[int] = mapped_column(server_default="0")
    open_until: Mapped[datetime | None]
    probe_until: Mapped[datetime | None]
    halved_at: Mapped[datetime | None]
    pushed_at: Mapped[datetime]
    since: Mapped[datetime]
    code: Mapped[int | None]
    said: Mapped[str] = mapped_column(server_default="")


class MailBreak(Base):
    """A breaker whose opening members were told of; gone once they were told that mail flows again."""

    __tablename__ = "mail_breaks"
    __table_args__ = (tenant_fk("account_id", "provider_accounts"),)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
