"""One SMTP session: greeted, encrypted, signed in; then one message at a time."""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Connection", "ServerAnswer", "Target", "Timeouts", "Trouble", "is_loopback"]


def is_loopback(host: str) -> bool:
    """Whether a server name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds per verb (RFC 5321 §4.5.3.2; the early ones shorter, as nothing is lost by them)."""

    connect: float = 30
    hello: float = 60
    tls: float = 30
    auth: float = 60
    mail: float = 120
    rcpt: float = 120
    data: float = 120
    body: float = 180
    final: float = 600


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and how to sign in."""

    host: str
    port: int
    security: str = "starttls"
    username: str = ""
    password: str = ""
    greeting_name: str = "localhost"
    ca_certificate: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Target:
        return cls(**{name: config[name] for name in cls.__dataclass_fields__})

    def tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.ca_certificate or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A reply line: its code, and its text without line ends."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600


class Trouble(Exception):
    """The session cannot go on. `answer` is what the server said, if it said anything."""

    def __init__(self, what: str, answer: ServerAnswer | None = None) -> None:
        super().__init__(what)
        self.answer = answer


class Connection:
    """An open session. After a `Trouble` only `close` makes sense."""

    def __init__(self, target: Target, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.sent = 0
        self.used_at = time.monotonic()
        self._smtp = self._connect(target)
        try:
            self._open(target)
        except BaseException:
            self.close()
            raise

    def _connect(self, target: Target) -> smtplib.SMTP:
        options: dict[str, Any] = {"local_hostname": target.greeting_name, "timeout": self.timeouts.connect}
        try:
            if target.security == "tls":
                return smtplib.SMTP_SSL(target.host, target.port, context=target.tls_context(), **options)
            return smtplib.SMTP(target.host, target.port, **options)
        except smtplib.SMTPResponseException as error:
            raise Trouble(
                "The server did not greet us", _answer(error.smtp_code, error.smtp_error)
            ) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Trouble(f"Could not connect: {_why(error)}") from error

    def _open(self, target: Target) -> None:
        smtp = self._smtp
        try:
            self._patience(self.timeouts.hello)
            smtp.ehlo_or_helo_if_needed()
            if target.security == "starttls":
                self._patience(self.timeouts.tls)
                smtp.starttls(context=target.tls_context())
                self._patience(self.timeouts.hello)
                smtp.ehlo_or_helo_if_needed()
            if target.username:
                if target.security == "none" and not is_loopback(target.host):
                    raise Trouble("A password is never sent without encryption")
                self._patience(self.timeouts.auth)
                smtp.login(target.username, target.password)
        except smtplib.SMTPResponseException as error:
            raise Trouble(
                "The server refused the session", _answer(error.smtp_code, error.smtp_error)
            ) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Trouble(f"The session could not be opened: {_why(error)}") from error
        # The final dot is its own small write: without this it waits for the body's delayed ACK.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def _sock(self) -> socket.socket:
        sock = self._smtp.sock
        if sock is None:
            raise Trouble("The connection is closed")
        return sock

    def fileno(self) -> int:
        return self._sock.fileno()

    def _patience(self, seconds: float) -> None:
        self._sock.settimeout(max(seconds, 0.001))

    def offers(self, extension: str) -> bool:
        return self._smtp.has_extn(extension)

    def size_limit(self) -> int | None:
        """The largest message the server said it takes, in octets."""
        text = self._smtp.esmtp_features.get("size", "")
        return int(text) or None if text.isdigit() else None

    def say(self, *lines: str) -> None:
        """Send command lines in one write; without PIPELINING that is one line at a time."""
        try:
            self._patience(self.timeouts.body)
            self._sock.sendall("".join(f"{line}\r\n" for line in lines).encode())
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Trouble(f"Lost before {lines[0].partition(' ')[0]}: {_why(error)}") from error

    def hear(self, seconds: float) -> ServerAnswer:
        """The next reply, waiting at most so long for it."""
        self._patience(seconds)
        try:
            code, text = self._smtp.getreply()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise Trouble(_why(error)) from error
        self.used_at = time.monotonic()
        return _answer(code, text)

    def send_body(self, data: bytes) -> None:
        """All of the message except its end: what was sent so far is no delivery."""
        stuffed = data.replace(b"\r\n.", b"\r\n..")  # lines end with CRLF only: no leading dot is missed
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self._patience(self.timeouts.body)
        try:
            self._sock.sendall(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
        except OSError as error:
            raise Trouble(f"Lost while sending the body: {_why(error)}") from error

    def send_final_dot(self) -> bool:
        """End the message. False if the dot certainly never left; raises if that cannot be told."""
        self._patience(self.timeouts.body)
        try:
            self._sock.sendall(b".\r\n")
        except ConnectionError:
            return False
        except OSError as error:
            raise Trouble(f"Lost at the end of the message: {_why(error)}") from error
        return True

    def close(self) -> None:
        """Hang up without a word: inside DATA this is what makes a message undelivered."""
        with contextlib.suppress(OSError):
            self._smtp.close()

    def quit(self) -> None:
        """Say goodbye between messages, without waiting for the answer."""
        try:
            self._patience(1)
            self._smtp.putcmd("QUIT")
        except (Trouble, OSError, smtplib.SMTPException):
            pass
        self.close()


def _answer(code: int, text: bytes | str) -> ServerAnswer:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return ServerAnswer(code, " ".join(text.split())[:500])


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (str(error) or type(error).__name__)[:300]
