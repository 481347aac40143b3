"""SMTP over TLS and with a sign-in: what is trusted, and what is never sent in the open."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import colander
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from autoloop.embedded.smtp_sink import Sink
from autoloop.plugins.email import Fate, Refused
from autoloop.plugins.testing.email import message, staged_all
from autoloop_plugins.email.smtp import SmtpProvider
from autoloop_plugins.email.smtp.channel import SmtpChannel
from autoloop_plugins.email.smtp.connection import Target, Timeouts

QUICK = Timeouts(connect=2, hello=2, tls=2, auth=2, mail=0.3, rcpt=0.3, data=0.3, body=2, final=0.3)


@dataclass
class Certificate:
    context: ssl.SSLContext
    pem: str


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return Certificate(context, pem.decode())


class Collect:
    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 taken"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"ada", b"secret"), handled=False)


class Submission(Controller):
    """aiosmtpd, which knows STARTTLS and AUTH."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@pytest.fixture(params=["starttls", "tls"])
def secure_server(
    request: pytest.FixtureRequest, certificate: Certificate
) -> Iterator[tuple[str, Submission]]:
    options: dict[str, Any] = {
        "authenticator": authenticate,
        "auth_required": True,
        "hostname": "localhost",
        "port": 0,
    }
    if request.param == "starttls":
        options |= {"tls_context": certificate.context, "require_starttls": True}
    else:
        options |= {"ssl_context": certificate.context, "auth_require_tls": False}
    server: AbstractContextManager[Submission] = FreePort(Collect(), **options)
    with server as running:
        yield request.param, running


class FreePort(Submission):
    """Learns the port that the system chose; aiosmtpd alone would knock at port 0."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def test_tls_and_sign_in(secure_server: tuple[str, Submission], certificate: Certificate) -> None:
    security, server = secure_server
    target = Target("localhost", server.port, security, "ada", "secret", ca_certificate=certificate.pem)
    channel = SmtpChannel(target, width=2, timeouts=QUICK)
    staged = staged_all(channel, [message(), message()])
    assert [reply.fate for _, reply in channel.transmit_all(staged)] == [Fate.ACCEPTED] * 2
    assert len(server.handler.taken) == 2
    channel.close()


@pytest.mark.parametrize(
    ("password", "trusts", "says"), [("wrong", True, "535"), ("secret", False, "certificate verify failed")]
)
def test_a_wrong_password_or_certificate_is_the_accounts_trouble(
    secure_server: tuple[str, Submission], certificate: Certificate, password: str, trusts: bool, says: str
) -> None:
    security, server = secure_server
    pem = certificate.pem if trusts else ""
    target = Target("localhost", server.port, security, "ada", password, ca_certificate=pem)
    (refused,) = SmtpChannel(target, width=1, timeouts=QUICK).stage([message()])
    assert isinstance(refused, Refused)
    assert refused.of_account
    assert not refused.permanent
    assert says in refused.text
    assert password not in refused.text


def test_starttls_is_never_skipped() -> None:
    with Sink() as sink:
        (refused,) = SmtpChannel(Target("127.0.0.1", sink.port, "starttls"), timeouts=QUICK).stage(
            [message()]
        )
        assert isinstance(refused, Refused)
        assert refused.of_account


def test_a_password_needs_encryption_except_on_this_machine() -> None:
    given = {"host": "mail.example.org", "security": "none", "username": "u", "password": "p"}
    with pytest.raises(colander.Invalid):
        SmtpProvider.Config().deserialize(given)
    SmtpProvider.Config().deserialize(given | {"host": "127.0.0.1"})
