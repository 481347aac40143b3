"""Delivery reports (RFC 3464) and complaints (RFC 5965) as mail servers write them, well and badly."""

from __future__ import annotations

__all__ = ["complaint", "report"]


def report(
    message_id: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    recipient: str = "Final-Recipient: rfc822; ada@example.org\r\n",
    diagnostic: str = "smtp; 550 5.1.1 No such user",
    returned: str = "text/rfc822-headers",
    original: bytes = b"",
    boundary: str = "=_part",
    encoding: str = "",
    charset: str = "us-ascii",
    head: str = "",
) -> bytes:
    """A multipart/report: a text for people, the fields for programs, and what is returned of our mail."""
    fields = f"Reporting-MTA: dns; mx.example.org\r\n\r\n{recipient}Action: {action}\r\n"
    fields += (f"Status: {status}\r\n" if status else "") + (
        f"Diagnostic-Code: {diagnostic}\r\n" if diagnostic else ""
    )
    mark = f"--{boundary}\r\n"
    named = f"Message-ID: {message_id}\r\n" if message_id else ""
    whole = (
        "From: MAILER-DAEMON@mx.example.org\r\nTo: bounces@acme.example\r\nSubject: Undelivered\r\n"
        f"{head}MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        f'\tboundary="{boundary}"\r\n\r\nThis is MIME.\r\n\r\n'
        f"{mark}Content-Type: text/plain; charset={charset}\r\n\r\nIt did not work.\r\n\r\n"
        f"{mark}Content-Type: message/delivery-status\r\n{encoding}\r\n{fields}\r\n"
        f"{mark}Content-Type: {returned}\r\n\r\nReceived: from acme.example\r\n{named}Subject: Hello\r\n\r\n"
    )
    return whole.encode("utf-8", "surrogateescape") + original + f"\r\n--{boundary}--\r\n".encode()


def complaint(message_id: str, kind: str = "abuse") -> bytes:
    """What a mailbox provider sends when a person presses “spam”."""
    return (
        "From: fbl@example.org\r\nTo: abuse@acme.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        f"--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: FBL/1\r\n"
        "Version: 1\r\nOriginal-Rcpt-To: <ada@example.org>\r\n\r\n"
        f"--x\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\nSubject: Hello\r\n\r\nHi\r\n--x--\r\n"
    ).encode()
