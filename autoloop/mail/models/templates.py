"""Email templates, and their versions, which never change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.mail.enclosures import Enclosed

__all__ = ["RULES", "SOURCE_KINDS", "EmailTemplate", "EmailTemplateVersion"]

SOURCE_KINDS = ("html", "markdown", "mjml")
RULES = ("fallback", "skip", "send")


class EmailTemplate(InWorkspace, Stamped, Base):
    """What a person edits. Its latest version is the current one. `topic` is what its marketing mail is
    about, unless the step that sends it says otherwise. Without `is_tracked` nobody's opens and clicks of
    its mail are recorded, whatever workspace and contact say.
    """

    __tablename__ = "email_templates"
    __table_args__ = (
        # The two tables refer to each other in a ring: checked at the commit.
        tenant_fk(
            "current_version_id",
            "email_template_versions",
            ondelete="NO ACTION",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
            name="fk_email_templates_workspace_id_current_version_id",
        ),
        Index("idx_email_templates_workspace_id_name", "workspace_id", "name"),
        Index("idx_email_templates_workspace_id_updated_at", "workspace_id", "updated_at"),
        Index("idx_email_templates_user_id", "user_id"),
    )

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str]
    topic: Mapped[str] = mapped_column(default="", server_default="")
    is_tracked: Mapped[bool] = mapped_column(default=True, server_default="true")
    current_version_id: Mapped[UUID | None]
    archived_at: Mapped[datetime | None]


class EmailTemplateVersion(InWorkspace, Base):
    """One saved state of a template.

    `compiled` is what rendering starts from: {"schema", "html", "text", "text_derived"}, both texts Liquid; `text` is null
    where it is made from the rendered HTML; "inlined": false where style sheets had to stay as they are, and
    "shown": the hashes of files that the HTML shows, by its Content-ID; "links": begin and end of the addresses
    in the HTML that lead into the web, in their order (see `tracking.finding`). `field_rules` says per merge field what to do when it is
    empty: {"contact.first_name": {"rule": "fallback", "value": "there"}}; without a rule the send is
    skipped. `headers` are extra ones by name. `files` are sent along, in this order:
    [{"name", "kind", "size", "hash", "cid"}], `kind` a media type, `hash` the hex of the SHA-256 that
    `email_template_files` has, `cid` how the HTML names a picture, else null.
    """

    __tablename__ = "email_template_versions"
    # The files as parts of a message, once delivery has read them.
    enclosed: ClassVar[Enclosed | None] = None
    # Its links made ready for signed ones (`tracking.filling`), once a tracked mail was made of it.
    prepared: ClassVar[Any] = None
    __table_args__ = (
        Index(
            "uq_email_template_versions_workspace_id_template_id_number",
            "workspace_id",
            "template_id",
            "number",
            unique=True,
        ),
        CheckConstraint("kind in ({})".format(", ".join(f"'{kind}'" for kind in SOURCE_KINDS)), name="kind"),
        CheckConstraint("number > 0", name="number"),
        tenant_fk("template_id", "email_templates"),
    )

    template_id: Mapped[UUID]
    number: Mapped[int]
    kind: Mapped[str]
    subject: Mapped[str]
    preheader: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str]
    text_source: Mapped[str | None]
    compiled: Mapped[dict[str, Any]]
    field_rules: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    files: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    checksum: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
