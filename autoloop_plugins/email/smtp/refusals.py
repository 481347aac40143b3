"""What a server's no to a recipient says: that there is no such mailbox, or something about us.

By the enhanced status code (RFC 3463 and the registry of RFC 5248) where the reply has one. Without it 550,
551 and 553 mean the mailbox (RFC 5321 §4.2.3), but 550 is also what a policy says: words of one are believed,
for an address that is suppressed by mistake gets no mail any more.
"""

from __future__ import annotations

import re

from autoloop_plugins.email.smtp.connection import ServerAnswer

__all__ = ["no_such_mailbox"]

# Bad mailbox, bad system, bad syntax, moved without forwarding, null MX (RFC 7505), mailbox disabled.
OF_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
PLAIN = frozenset({550, 551, 553})
# At the beginning or, as qmail says it, “(#5.1.1)”; never a piece of an IP address.
ENHANCED = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?!\.?\d)")
POLICY = re.compile(
    r"polic|block|\bban|spam|bulk|reputation|relay|denied|(?<!name )not (?:allowed|permitted|authori[sz]ed)|blacklist|\b\w?rbl\b|"
    r"dnsbl|listed|spf|dkim|dmarc|authenticat|\bptr\b|reverse|helo|sender|rate|too many|\bip\b|client host|https?:",
    re.IGNORECASE,
)


def no_such_mailbox(answer: ServerAnswer) -> bool:
    """Whether a 5xx reply to RCPT means that the address does not exist."""
    if not answer.permanent:
        return False
    if found := ENHANCED.search(answer.text):
        return found[0] in OF_ADDRESS
    return answer.code in PLAIN and not POLICY.search(answer.text)
