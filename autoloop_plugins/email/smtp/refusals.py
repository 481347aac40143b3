"""What a server's no to a recipient says: that there is no such mailbox, or something about us.

By the enhanced status code (RFC 3463 and the registry of RFC 5248) where the reply has one. Without it 550,
551 and 553 mean the mailbox (RFC 5321 §4.2.3), but 550 is also what a policy says: words of one are believed,
for an address that is suppressed by mistake gets no mail any more.
"""

from __future__ import annotations

import re

from autoloop_plugins.email.smtp.connection import ServerAnswer

__all__ = ["no_such_mailbox", "no_such_mailbox_after_all"]

# Bad mailbox, bad system, bad syntax, moved without forwarding, null MX (RFC 7505), mailbox disabled.
OF_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
# After the body only what speaks of the mailbox itself: a syntax may be one of a header, a system that of a link.
OF_MAILBOX = OF_ADDRESS - {"5.1.2", "5.1.3"}
PLAIN = frozenset({550, 551, 553})
# At the beginning or, as qmail says it, “(#5.1.1)”; never a piece of an IP address.
ENHANCED = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?!\.?\d)")
POLICY = re.compile(
    r"polic|block|\bban|spam|bulk|reputation|relay|denied|(?<!name )not (?:allowed|permitted|authori[sz]ed)|blacklist|\b\w?rbl\b|"
    r"dnsbl|listed|spf|dkim|dmarc|authenticat|\bptr\b|reverse|helo|sender|rate|too many|\bip\b|client host|https?:",
    re.IGNORECASE,
)


UNKNOWN = re.compile(
    r"\b(?:no such|unknown|invalid|nonexistent|non-existent) (?:local )?(?:user|mailbox|recipient|account|address)\b|"
    r"\b(?:user|mailbox|recipient|account|address)(?: is| was)? (?:unknown|not found|unavailable|disabled|does(?: not|n't) exist)|"
    r"\bno mailbox\b",
    re.IGNORECASE,
)


def no_such_mailbox(answer: ServerAnswer) -> bool:
    """Whether a 5xx reply to RCPT means that the address does not exist."""
    if not answer.permanent:
        return False
    if found := ENHANCED.search(answer.text):
        return found[0] in OF_ADDRESS
    return answer.code in PLAIN and not POLICY.search(answer.text)


def no_such_mailbox_after_all(answer: ServerAnswer) -> bool:
    """Whether a 5xx reply to the whole message, which had one recipient, means that the address does not exist.

    Servers that ask the next one only then say so there. Most that is said there is about the content, so a
    code without words is not believed.
    """
    if not answer.permanent:
        return False
    if found := ENHANCED.search(answer.text):
        return found[0] in OF_MAILBOX
    return answer.code in PLAIN and bool(UNKNOWN.search(answer.text)) and not POLICY.search(answer.text)
