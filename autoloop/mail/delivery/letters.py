"""From an email to its message: a pure function of row, template version, sender and links."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from autoloop.base.liquid import TemplateInvalid
from autoloop.mail.addresses import ascii_domain, domain_of, envelope_address
from autoloop.mail.compose import CannotComposeError, Letter, compose
from autoloop.mail.delivery.groups import UNJUDGED
from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.dkim import Signer, sign
from autoloop.mail.footer import with_footer
from autoloop.mail.headers import joined
from autoloop.mail.links import Links
from autoloop.mail.models import Kind, Status
from autoloop.mail.render import render
from autoloop.mail.tracking.filling import render_tracked
from autoloop.plugins.email import Message

__all__ = ["Finished", "finish", "message_id_of"]

log = logging.getLogger(__name__)

Versions = Mapping[UUID, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """A message ready to be staged, and what the row keeps of it.

    The hash is of the message before it was signed: keys may change between two attempts.
    """

    mail: Outgoing
    message: Message
    subject: str
    text: str
    html: str | None
    body_hash: bytes


def message_id_of(email_id: UUID, sender_address: str) -> str:
    """Derived from the row: every attempt carries the same."""
    return f"<{email_id}@{ascii_domain(domain_of(sender_address))}>"


def finish(
    mail: Outgoing, versions: Versions, links: Links, signers: Sequence[Signer] = ()
) -> Finished | Outcome:
    """The message of an email, or why there can be none. One that raises an error holds up no other."""
    try:
        return _finished(mail, versions, links, signers)
    except _NotRenderedError as error:
        return Outcome(Status.SKIPPED, str(error))
    except ValueError as error:
        return Outcome(Status.REJECTED, f"The message cannot be written: {error}")
    except Exception:
        log.exception("email %s cannot be written", mail.id)
        return Outcome(Status.INTENT, hold="cannot_be_judged", delay=UNJUDGED)


def _finished(mail: Outgoing, versions: Versions, links: Links, signers: Sequence[Signer]) -> Finished:
    subject, text, html = _content(mail, versions, links)
    headers = _headers(mail)
    if mail.kind == Kind.MARKETING:
        url = links.unsubscribe(mail.workspace_id, mail.id)
        html, text = with_footer(
            html,
            text,
            postal_address=mail.postal_address,
            unsubscribe_url=url,
            preferences_url=links.preferences(mail.workspace_id, mail.id),
            locale=mail.locale,
        )
        headers += _list_headers(mail, url)
    letter = _letter(mail, versions, subject, text, html, headers)
    data = signed = compose(letter)
    for signer in signers:
        signed = sign(signed, signer)
    message = Message(
        key=str(mail.id),
        message_id=letter.message_id,
        sender=envelope_address(mail.sender_address),
        recipient=envelope_address(mail.to_address),
        data=signed,
    )
    return Finished(mail, message, subject, text, html, hashlib.sha256(data).digest())


Headers = list[tuple[str, str]]


def _headers(mail: Outgoing) -> Headers:
    """What tells of AutoLoop and of the kind of mail."""
    headers = [("X-AutoLoop-Email", str(mail.id))]
    if mail.kind == Kind.TEST:
        headers.append(("X-AutoLoop-Test", "yes"))
    elif mail.kind != Kind.MARKETING:
        headers.append(("Auto-Submitted", "auto-generated"))
    return headers


def _list_headers(mail: Outgoing, url: str) -> Headers:
    """The way out of a list, and what mailbox providers know it by (RFC 2369, 2919, 8058)."""
    return [
        ("List-Unsubscribe", f"<{url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", f"<{mail.workspace_id.hex}.{ascii_domain(domain_of(mail.sender_address))}>"),
        ("Feedback-ID", _feedback_id(mail)),
        ("Precedence", "bulk"),
    ]


def _letter(
    mail: Outgoing, versions: Versions, subject: str, text: str, html: str | None, headers: Headers
) -> Letter:
    """All that stands in the message, with what its template's version carries along."""
    version = (
        versions[mail.template_version_id] if mail.content is None and mail.template_version_id else None
    )
    if version is not None and version.files and version.enclosed is None:
        raise _NotRenderedError("A file of the template is gone")
    return Letter(
        message_id=message_id_of(mail.id, mail.sender_address),
        date=mail.dated_at,
        from_name=mail.sender_name,
        from_address=mail.sender_address,
        to_name=mail.to_name,
        to_address=mail.to_address,
        subject=subject,
        text=text,
        html=html,
        reply_to=mail.reply_to,
        headers=headers,
        custom=_custom(mail.sender_headers, version.headers if version is not None else {}),
        files=version.enclosed if version is not None else None,
    )


def _custom(of_sender: Mapping[str, str], of_template: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return joined(of_sender, of_template) if of_sender or of_template else ()


def _feedback_id(mail: Outgoing) -> str:
    """What mailbox providers count complaints by: content, workspace, kind, and last the sender (5 to 15 signs)."""
    content = mail.template_version_id.hex if mail.template_version_id else "none"
    sender = mail.sender_id.hex[-12:] if mail.sender_id else "autoloop"
    return f"{content}:{mail.workspace_id.hex}:{mail.kind}:{sender}"


class _NotRenderedError(Exception):
    """The template cannot be filled for this person."""


def _content(mail: Outgoing, versions: Versions, links: Links) -> tuple[str, str, str | None]:
    if mail.content is not None:
        content = mail.content
        return content["subject"], content["text"], content.get("html")
    version = versions.get(mail.template_version_id) if mail.template_version_id else None
    if version is None:
        raise _NotRenderedError("The template is gone")
    try:
        if mail.is_tracked:
            rendered = render_tracked(version, mail.context, links.tokens, mail.workspace_id, mail.id)
        else:
            rendered = render(version, mail.context)
    except TemplateInvalid as error:
        raise CannotComposeError(error.message) from None
    rules = version.field_rules
    empty = [path for path in rendered.missing if rules.get(path, {}).get("rule", "skip") == "skip"]
    if empty:
        raise _NotRenderedError(f"Empty for this person: {', '.join(empty)}")
    return rendered.subject, rendered.text, rendered.html
