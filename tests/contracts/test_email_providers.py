"""The contract every email provider keeps, and what SMTP makes of each thing a server may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from autoloop.embedded.smtp_sink import Sink, SmtpSession
from autoloop.plugins.email import Account, Fate, Message, ProviderServices, Refused, Reply, Staged
from autoloop.plugins.testing.email import EmailProviderContract, MemoryMailbox, Way, message
from autoloop_plugins.email.mailbox import MailboxProvider
from autoloop_plugins.email.smtp import SmtpProvider
from autoloop_plugins.email.smtp.channel import SmtpChannel
from autoloop_plugins.email.smtp.connection import Target, Timeouts

QUICK = Timeouts(connect=2, hello=2, tls=2, auth=2, mail=0.3, rcpt=0.3, data=0.3, body=2, final=0.3)


def smtp_way(sink: Sink, width: int = 4) -> Way:
    config = SmtpProvider.Config().deserialize(
        {"host": "127.0.0.1", "port": sink.port, "security": "none", "connections": width}
    )
    account = Account(uuid4(), uuid4(), "test", config)
    return Way(
        SmtpProvider().open(account, ProviderServices(MemoryMailbox())),
        lambda: [mail.data for mail in sink.mails],
    )


@pytest.fixture(params=["smtp", "mailbox"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    if request.param == "smtp":
        with Sink() as sink:
            way = smtp_way(sink)
            yield way
            way.channel.close()
    else:
        box = MemoryMailbox()
        channel = MailboxProvider().open(Account(uuid4(), uuid4(), "box", {}), ProviderServices(box))
        yield Way(channel, lambda: [mail.data for mail in box.kept.values()])


class TestContract(EmailProviderContract):
    """Both built-in providers keep what every provider promises."""


@pytest.mark.parametrize("to", ["a@b\r\nRCPT TO:<c@d>", "a@b> <c@d", "a b@c", "", "a@b\x00", "x" * 300])
def test_an_envelope_address_cannot_carry_a_command(to: str) -> None:
    with pytest.raises(ValueError, match="envelope"):
        Message("k", "<k>", "me@example.com", to, b"Subject: x\r\n\r\n")


@pytest.mark.parametrize("body", [b"a\n.\nMAIL FROM:<x@y>\r\n", b"a\r.\r\n", b"\n", b"\r"])
def test_lone_line_ends_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="CRLF"):
        message(body=body)


# -- what SMTP makes of a server's behaviour ------------------------------------------------------


def answering(
    verb: str, line: str, *, times: int = 1, pipelining: bool = True
) -> Callable[[str, SmtpSession], str | None]:
    left = [times]

    def answer(said: str, _session: SmtpSession) -> str | None:
        if said == "EHLO" and not pipelining:
            return "250-sink\r\n250-SMTPUTF8\r\n250 8BITMIME"
        if said != verb or left[0] == 0:
            return None
        left[0] -= 1
        return line

    return answer


def outcome(sink: Sink) -> Refused | Reply:
    channel = SmtpChannel(Target("127.0.0.1", sink.port, "none"), width=1, timeouts=QUICK)
    (staged,) = channel.stage([message()])
    result = channel.transmit(staged) if isinstance(staged, Staged) else staged
    # Whatever happened, the next message goes through.
    (again,) = channel.stage([message()])
    assert isinstance(again, Staged), again
    assert channel.transmit(again).fate is Fate.ACCEPTED
    channel.close()
    return result


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "in steps"])
@pytest.mark.parametrize(
    ("verb", "line", "permanent", "of_account", "code"),
    [
        ("CONNECT", "421 too busy", False, True, 421),
        ("CONNECT", "554 you are blocked", False, True, 554),
        ("CONNECT", "close", False, True, None),
        ("MAIL", "451 later", False, False, 451),
        ("MAIL", "550 no such sender", True, False, 550),
        ("MAIL", "530 sign in first", False, True, 530),
        ("RCPT", "450 greylisted", False, False, 450),
        ("RCPT", "550 no such user", True, False, 550),
        ("RCPT", "421 closing", False, False, 421),
        ("RCPT", "close", False, False, None),
        ("RCPT", "hang", False, False, None),
        ("DATA", "452 disk full", False, False, 452),
        ("DATA", "554 no", True, False, 554),
        ("DATA", "250 odd", False, False, 250),
        ("DATA", "hang", False, False, None),
    ],
)
def test_before_the_body_everything_is_certain(
    verb: str, line: str, permanent: bool, of_account: bool, code: int | None, pipelining: bool
) -> None:
    with Sink(answer=answering(verb, line, pipelining=pipelining)) as sink:
        result = outcome(sink)
        assert isinstance(result, Refused), result
        assert (result.permanent, result.of_account, result.code) == (permanent, of_account, code)
        assert len(sink.mails) == 1, "only the next message arrived"


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "in steps"])
@pytest.mark.parametrize(
    ("verb", "line", "of_address"),
    [
        ("RCPT", "550 5.1.1 <to@example.org>: Recipient address rejected: User unknown", True),
        ("RCPT", "554 5.1.2 no such host", True),
        ("RCPT", "501 5.1.3 bad address", True),
        ("RCPT", "551 5.1.6 moved", True),
        ("RCPT", "556 5.1.10 null MX", True),
        ("RCPT", "550 5.2.1 mailbox disabled", True),
        ("RCPT", "550 no such user", True),
        ("RCPT", "551 not local", True),
        ("RCPT", "553 mailbox name not allowed", True),
        ("RCPT", "553 no such name", True),
        ("RCPT", "553 sorry, no mailbox here by that name (#5.1.1)", True),
        ("RCPT", "550 5.7.1 blocked", False),
        ("RCPT", "550 5.1.0 address", False),
        ("RCPT", "550 5.1.8 bad sender", False),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("RCPT", "552 full", False),
        ("RCPT", "554 transaction failed", False),
        ("RCPT", "550 relay not permitted", False),
        ("RCPT", "550 host 5.1.1.9 is listed by a blocklist", False),
        ("RCPT", "450 4.1.1 not now", False),
        ("MAIL", "550 5.1.1 no such user", False),
        ("DATA", "550 5.1.1 no such user", False),
    ],
)
def test_a_server_that_knows_no_such_mailbox_says_so_at_rcpt_only(
    verb: str, line: str, of_address: bool, pipelining: bool
) -> None:
    with Sink(answer=answering(verb, line, pipelining=pipelining)) as sink:
        result = outcome(sink)
        assert isinstance(result, Refused), result
        assert result.of_address is of_address


@pytest.mark.parametrize(
    ("line", "fate", "code"),
    [
        ("250 queued as 1", Fate.ACCEPTED, 250),
        ("451 try later", Fate.TEMPORARY, 451),
        ("421 closing", Fate.TEMPORARY, 421),
        ("554 spam", Fate.PERMANENT, 554),
        ("close", Fate.UNKNOWN, None),
        ("hang", Fate.UNKNOWN, None),
        ("not a reply", Fate.UNKNOWN, None),
        ("354 what", Fate.UNKNOWN, 354),
    ],
)
def test_after_the_final_dot_only_a_clear_reply_is_certain(line: str, fate: Fate, code: int | None) -> None:
    with Sink(answer=answering(".", line)) as sink:
        result = outcome(sink)
        assert isinstance(result, Reply), result
        assert (result.fate, result.code if code else None) == (fate, code)


@pytest.mark.parametrize(
    ("line", "of_address"),
    [
        ("550 5.1.1 <to@example.org>: User unknown in virtual mailbox table", True),
        ("550-5.1.1 The email account that you tried to reach\r\n550 5.1.1 does not exist", True),
        ("554 delivery error: dd This user doesn't have an account (#5.1.1)", True),
        ("550 No such user here", True),
        ("550 mailbox unavailable", True),
        ("553 5.1.3 bad address in a header", False),
        ("550 no", False),
        ("550 content rejected", False),
        ("550 sender address unknown", False),
        ("550 5.7.1 no such user", False),
        ("554 no such user", False),
        ("450 4.1.1 no such user", False),
    ],
)
def test_a_mailbox_may_turn_out_unknown_after_the_body(line: str, of_address: bool) -> None:
    with Sink(answer=answering(".", line)) as sink:
        result = outcome(sink)
        assert isinstance(result, Reply), result
        assert result.of_address is of_address


def test_a_connection_lost_inside_the_body_is_no_delivery() -> None:
    with Sink(answer=answering("BODY", "close")) as sink:
        channel = SmtpChannel(Target("127.0.0.1", sink.port, "none"), width=1, timeouts=QUICK)
        (staged,) = channel.stage([message(body=b"x" * 76 * 1000 * 400)])
        assert isinstance(staged, Staged)
        assert channel.transmit(staged).fate is Fate.TEMPORARY
        assert sink.mails == []


def test_no_octet_of_the_body_leaves_before_transmit() -> None:
    verbs: list[str] = []

    def listen(verb: str, _session: SmtpSession) -> None:
        verbs.append(verb)

    with Sink(answer=listen) as sink:
        channel = SmtpChannel(Target("127.0.0.1", sink.port, "none"), width=1, timeouts=QUICK)
        (staged,) = channel.stage([message()])
        assert isinstance(staged, Staged)
        assert verbs == ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"]
        channel.transmit(staged)
        assert verbs[5:] == ["BODY", "."]


def test_one_message_refused_leaves_the_others_of_its_group_alone() -> None:
    def answer(verb: str, session: SmtpSession) -> str | None:
        return "550 unknown" if verb == "RCPT" and session.recipient.startswith("gone") else None

    with Sink(answer=answer) as sink:
        channel = SmtpChannel(Target("127.0.0.1", sink.port, "none"), width=3, timeouts=QUICK)
        group = channel.stage([message("a@x.org"), message("gone@x.org"), message("b@x.org")])
        assert [type(one) for one in group] == [Staged, Refused, Staged]
        fates = [reply.fate for _, reply in channel.transmit_all([s for s in group if isinstance(s, Staged)])]
        assert fates == [Fate.ACCEPTED, Fate.ACCEPTED]


def test_connections_are_used_again_and_a_dead_one_is_replaced_silently() -> None:
    sessions: set[int] = set()

    def listen(verb: str, session: SmtpSession) -> None:
        sessions.add(id(session)) if verb == "CONNECT" else None

    with Sink(answer=listen) as sink:
        channel = SmtpChannel(Target("127.0.0.1", sink.port, "none"), width=1, timeouts=QUICK)
        for _ in range(5):
            (staged,) = channel.stage([message()])
            assert isinstance(staged, Staged)
            channel.transmit(staged)
        assert len(sink.mails) == 5
        assert len(sessions) == 1
        sink.answer = answering("MAIL", "421 idle too long")
        (staged,) = channel.stage([message()])
        assert isinstance(staged, Staged), staged
        channel.abandon(staged)


def test_nobody_listening_is_the_accounts_trouble() -> None:
    channel = SmtpChannel(Target("127.0.0.1", 1, "none"), width=2, timeouts=QUICK)
    for refused in channel.stage([message(), message()]):
        assert isinstance(refused, Refused)
        assert refused.of_account
        assert not refused.permanent
