"""Emails per second from due intent to accepted, beside bare loops that send the same messages.

The floor claims rows, fills prepared pieces, writes MIME by hand, signs, pipelines and journals: `bare_mail`.
All sign the twenty links of each mail. The product besides checks suppression, consent, caps and windows twice,
marks before and after sending, adds a picture that tells of opens, footer and unsubscribe headers of each
person's own, and tells the runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text

from autoloop.base.ids import new_id
from autoloop.engine.requests import EmailRequest
from autoloop.mail.models import EmailTemplateVersion, ProviderAccount, Sender
from autoloop.mail.services.domains import Domains
from autoloop.mail.services.intents import ask_for_emails
from autoloop.mail.templates.services import Templates
from benchmarks import bare_mail
from benchmarks.senders import Job, send
from benchmarks.stand import Stand, report, stand

EMAILS = 4_000
FEW = 400
PREPARED, PRODUCT, PLAIN = "bare prepared loop", "AutoLoop delivery", "loop of plain libraries"
CONNECTIONS = 32
FIELDS = ("first_name", "last_name", "email", "title", "phone") * 2
LINKS = 20
FILLER = "this line is here to make the message as long as real ones are. " * 5
# About 20 kB of HTML with ten merge fields and twenty links.
SOURCE = (
    "<html><body>"
    + "".join(
        f'<p style="margin:0 0 16px">{{{{ contact.{FIELDS[n % 10]} | default: "–" }}}} {FILLER}</p>\n'
        if n < len(FIELDS)
        else f"<p>{FILLER}</p>\n"
        for n in range(50)
    )
    + "".join(f'<p><a href="https://shop.bench.example/p/{n}">Number {n}</a></p>\n' for n in range(LINKS))
    + "</body></html>"
)


AGREED = "update business_contacts set consent_marketing = 'granted', consent_tracking = 'granted'"
RECORDED = (
    """update workspaces set settings = settings || '{"tracking": "marketing"}' where id = :workspace"""
)

Taken = tuple[float, float, float]


def prepare(standing: Stand, port: int) -> tuple[Any, Any]:
    """A sender and a published template; mail goes to this port without TLS, until `reach` says otherwise."""
    with standing.runtime.unit("web", standing.workspace_id) as services:
        services.user_id = standing.user_id
        account = ProviderAccount(
            workspace_id=standing.workspace_id, name="bench", provider="smtp", config={}, is_default=True
        )
        sender = Sender(
            workspace_id=standing.workspace_id, name="Ada", address="ada@bench.example", is_default=True
        )
        services.session.add_all([account, sender])
        given = {
            "name": "Bench",
            "kind": "html",
            "subject": "Hello {{ contact.first_name }}",
            "source": SOURCE,
        }
        services(Templates).create(given | {"preheader": "", "text_source": None, "field_rules": {}})
        version = services.session.scalars(select(EmailTemplateVersion)).one()
        services.session.execute(text(AGREED))
        services.session.execute(text(RECORDED), {"workspace": standing.workspace_id})
    reach(standing, port, "")
    return version.template_id, version


def reach(standing: Stand, port: int, tls: str) -> None:
    """Send all mail to this port, through TLS if there is a certificate to trust."""
    config = {
        "host": "127.0.0.1",
        "port": port,
        "security": "tls" if tls else "none",
        "connections": CONNECTIONS,
        "username": "",
        "password": "",
        "greeting_name": "localhost",
        "ca_certificate": tls,
    }
    with standing.runtime.unit("web", standing.workspace_id) as services:
        account = services.session.scalars(select(ProviderAccount)).one()
        account.config = config


def intend(standing: Stand, template: Any, contacts: list[Any]) -> None:
    """Intents as the engine asks for them, of runs that stand at their send step."""
    workflow, version = new_id(), new_id()
    key = {"w": standing.workspace_id, "f": workflow, "v": version}
    runs = [new_id() for _ in contacts]
    with standing.runtime.unit("worker") as services:
        session = services.session
        session.execute(
            text("insert into automation_workflows (workspace_id, id, name) values (:w, :f, 'Bench')"), key
        )
        session.execute(
            text(
                "insert into workflow_versions (workspace_id, id, workflow_id, number, graph, checksum) values (:w, :v, :f, 1, '{}', 'x')"
            ),
            key,
        )
        session.execute(
            text("update automation_workflows set status = 'live', live_version_id = :v where id = :f"), key
        )
        session.execute(
            text("""
            insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, entry_key, status, positions, visits, variables)
            select :w, u.run, :f, :v, u.contact, u.contact, 'once', 'waiting', '[]', '{}', '{}'
            from unnest(cast(:runs as uuid[]), cast(:contacts as uuid[])) u(run, contact)"""),
            key | {"runs": runs, "contacts": contacts},
        )
        ask_for_emails(
            services,
            [
                EmailRequest(standing.workspace_id, run, contact, workflow, version, "mail", 1, template)
                for run, contact in zip(runs, contacts, strict=True)
            ],
        )


def signing(standing: Stand, *, signed: bool) -> None:
    """Give the sender's domain an RSA key that signs, or none."""
    with standing.runtime.unit("web", standing.workspace_id) as services:
        services.user_id = standing.user_id
        session = services.session
        session.execute(text("update senders set domain_id = null"))
        session.execute(text("delete from sending_domains"))
        if signed:
            domain = services(Domains).create("bench.example").id
            session.execute(text("update senders set domain_id = :d"), {"d": domain})
            session.execute(text("update dkim_keys set status = 'active' where algorithm = 'rsa-sha256'"))


def product(job: Job, standing: Stand, template: Any, contacts: list[Any], processes: int) -> Taken:
    signing(standing, signed=job.signed)
    intend(standing, template, contacts)
    standing.analyze()
    taken = measured(standing, job, processes)
    with standing.runtime.unit("worker") as services:
        counts = dict(
            services.session.execute(
                text("select status, count(*) filter (where is_tracked) from email_logs group by status")
            ).all()
        )
        services.session.execute(text("delete from email_logs"))
        services.session.execute(text("delete from automation_workflows"))
    assert counts == {"accepted": EMAILS}, counts
    return taken


def measured(standing: Stand, job: Job, processes: int) -> Taken:
    """Emails per second; CPU milliseconds per email of the senders, and of PostgreSQL."""
    before = server_cpu(standing)
    rate, cpu = send(job, processes)
    return rate, cpu, 1000 * (server_cpu(standing) - before) / job.emails


def server_cpu(standing: Stand) -> float:
    """CPU seconds of PostgreSQL with the children that have ended."""
    server = psutil.Process(standing.postgres.cluster.pid())
    taken = sum(server.cpu_times()[:4])
    for child in server.children():
        with suppress(psutil.NoSuchProcess):  # it is counted with its parent's children from now on
            taken += sum(child.cpu_times()[:2])
    return taken


def main(rounds: int, _seconds: float) -> None:
    with stand() as standing, tempfile.TemporaryDirectory() as folder:
        contacts = standing.contacts(EMAILS)
        template, version = prepare(standing, 0)
        job = Job(
            kind="product",
            settings=asdict(standing.settings),
            dsn=standing.owner_dsn(),
            port=0,
            width=CONNECTIONS,
            emails=EMAILS,
            html=SOURCE,
            text=text_of(version),
        )
        for tls in ("", certificate(Path(folder) / "tls.pem")):
            with sink(Path(folder), tls) as port:
                reach(standing, port, tls)
                for signed in (True,) if tls else (False, True):
                    for processes in (2,) if tls else (1, 2):
                        how = replace(job, signed=signed, tls=tls, port=port)
                        measure(standing, template, contacts, rounds, processes, how)


@contextmanager
def sink(folder: Path, tls: str) -> Iterator[int]:
    """A local server that takes all mail; gives its port."""
    command = [sys.executable, "-m", "autoloop.embedded.smtp_sink", "--journal", f"{folder}/journal"]
    command += ["--tls", f"{folder}/tls.pem"] if tls else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def certificate(path: Path) -> str:
    """Write a key and its certificate for 127.0.0.1 to `path`; returns the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.now(UTC), timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - day, now + day
    )
    made = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + public)
    return public.decode()


def text_of(version: Any) -> str:
    """The text part as a template: what AutoLoop would send, with its holes."""
    return "\n".join(
        f'{{{{ contact.{FIELDS[n % 10]} | default: "–" }}}} {FILLER}\n' if n < len(FIELDS) else f"{FILLER}\n"
        for n in range(50)
    ) + "".join(f"Number {n} (https://shop.bench.example/p/{n})\n\n" for n in range(LINKS))


def measure(
    standing: Stand, template: Any, contacts: list[Any], rounds: int, processes: int, job: Job
) -> None:
    taken: dict[str, list[Taken]] = {PREPARED: [], PRODUCT: [], PLAIN: []}
    for _ in range(rounds):
        bare_mail.fill(job.dsn, EMAILS)
        taken[PREPARED].append(measured(standing, replace(job, kind="prepared"), processes))
        taken[PRODUCT].append(product(job, standing, template, contacts, processes))
        taken[PLAIN].append(measured(standing, replace(job, kind="plain", emails=FEW), processes))
    costs = "; ".join(
        f"{name} {min(each[1] for each in rounds):.2f} + {min(each[2] for each in rounds):.2f}"
        for name, rounds in taken.items()
    )
    report(
        f"Mail: {EMAILS:,} emails of {len(SOURCE) / 1000:.0f} kB HTML, {'RSA-2048 DKIM' if job.signed else 'no DKIM'}, "
        f"{processes} sending process{'es' if processes > 1 else ''}, {CONNECTIONS} connections each to a local sink{', TLS' if job.tls else ''}",
        "emails/s",
        {name: [each[0] for each in rounds] for name, rounds in taken.items()},
        floor=PREPARED,
        notes=f"CPU ms per email, of senders + PostgreSQL: {costs}",
    )
