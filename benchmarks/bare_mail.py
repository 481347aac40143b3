"""Loops that send the benchmark's message with nothing of a product around them: floors to compare with.

`prepared` claims 100 rows at a time, fills a template that was cut into pieces beforehand, with a signed link
for each link, writes MIME by hand, signs with OpenSSL, pipelines SMTP, and writes results and journal in one
transaction. `plain` does what a first script does: Jinja's sandbox, a regular expression over the links,
email.message, dkimpy and smtplib, one message after the other.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import smtplib
import ssl
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from hashlib import sha256
from html import escape
from typing import Any

import dkim
import psycopg
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["fill", "plain", "prepared"]

FROM, TO = "ada@bench.example", "c{}@bench.example"
BATCH = 100
SIGNED = ["from", "to", "subject", "date", "message-id", "list-unsubscribe"]
HOLE = re.compile(r"\{\{ contact\.(\w+).*?\}\}|href=\"(https?://[^\"]+)\"")
HREF = re.compile(r'href="(https?://[^"]+)"')
LINK_KEY = b"k" * 32
TAG = re.compile(r"<[^>]+>")

SCHEMA = """
drop table if exists bare_mail_log, bare_mail;
create table bare_mail (id bigint primary key, state smallint not null default 0,
  due_at timestamptz not null default now(), lease_until timestamptz, owner int);
create index on bare_mail (due_at) where state = 0;
create table bare_mail_log (mail_id bigint primary key, at timestamptz not null default clock_timestamp(),
  result smallint not null);
grant all on bare_mail, bare_mail_log to autoloop_worker"""
FILL = "insert into bare_mail (id) select g from generate_series(1, %s) g"
CLAIM = f"""
update bare_mail set state = 1, owner = %s, lease_until = now() + interval '60 s' where id = any(array(
  select id from bare_mail where state = 0 and due_at <= now() order by due_at limit {BATCH}
  for update skip locked)) returning id"""
DONE = "update bare_mail set state = 2, lease_until = null where id = any(%s::bigint[])"
LOG = "insert into bare_mail_log (mail_id, result) select unnest(%s::bigint[]), 1"


def fill(dsn: str, emails: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute(FILL, (emails,))
        connection.execute("vacuum analyze bare_mail")


def person(n: int) -> dict[str, str]:
    return {"first_name": "Ada", "last_name": "–", "title": "–", "phone": "–", "email": TO.format(n)}


def cut(source: str) -> list[Any]:
    """Text, (field,), or the number of a link."""
    pieces: list[Any] = []
    last = links = 0
    for hole in HOLE.finditer(source):
        pieces += [source[last : hole.start()], (hole[1],) if hole[1] else links]
        links += 0 if hole[1] else 1
        last = hole.end()
    return [*pieces, source[last:]]


def link_signature(link: object, n: int) -> str:
    made = hmac.digest(LINK_KEY, f"{n}|{link}".encode(), "sha256")[:16]
    return urlsafe_b64encode(made).decode().rstrip("=")


def filled(pieces: Sequence[Any], known: dict[str, str], n: int) -> str:
    """The HTML of one person, each link signed."""
    out = []
    for piece in pieces:
        if piece.__class__ is str:
            out.append(piece)
        elif piece.__class__ is int:
            out.append(f'href="https://t.example/c/{n}/{piece}/{link_signature(piece, n)}"')
        else:
            out.append(escape(known[piece[0]]))
    return "".join(out)


def rewritten(html: str, n: int) -> str:
    """The same the plain way."""
    return HREF.sub(
        lambda found: f'href="https://t.example/c/{n}/{link_signature(found[1], n)}?u={escape(found[1])}"',
        html,
    )


Lane = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(port: int, context: ssl.SSLContext | None) -> Lane:
    """A connection that has said hello."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    await reader.readline()
    writer.write(b"EHLO localhost\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    return reader, writer


async def send(lane: Lane, numbers: Sequence[int], message: Callable[[int], bytes]) -> None:
    """Messages one after the other; each is made while the server thinks about its envelope."""
    reader, writer = lane
    for n in numbers:
        writer.write(f"MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO.format(n)}>\r\nDATA\r\n".encode())
        made = message(n)
        for _ in range(3):
            await reader.readline()
        writer.write(made + b"\r\n.\r\n")
        if not (await reader.readline()).startswith(b"250"):
            raise OSError("the sink did not take it")


def prepared(
    dsn: str, owner: int, port: int, width: int, source: str, text: str, *, signed: bool, tls: str
) -> Callable[[], int]:
    """A loop over the rows of `fill`, with its connections open and its pieces ready. Returns how many it sent."""
    html_pieces, text_pieces = cut(source), cut(text)
    key = rsa.generate_private_key(65537, 2048) if signed else None

    def message(n: int) -> bytes:
        known = person(n)
        html = filled(html_pieces, known, n)
        text = "".join(piece if isinstance(piece, str) else known[piece[0]] for piece in text_pieces)
        made = mime(n, html, text)
        return signature(made, key) + made if key else made

    context = ssl.create_default_context(cadata=tls) if tls else None

    async def loop() -> int:
        sent = 0
        lanes = [await opened(port, context) for _ in range(width)]
        with psycopg.connect(dsn, autocommit=True) as connection:
            while rows := connection.execute(CLAIM, (owner,), prepare=True).fetchall():
                numbers = [row[0] for row in rows]
                await asyncio.gather(
                    *(send(lane, numbers[at::width], message) for at, lane in enumerate(lanes))
                )
                with connection.transaction():
                    connection.execute(DONE, (numbers,), prepare=True)
                    connection.execute(LOG, (numbers,), prepare=True)
                sent += len(numbers)
        for _, writer in lanes:
            writer.close()
        return sent

    return lambda: asyncio.run(loop())


def mime(n: int, html: str, text: str) -> bytes:
    edge = f"=_{n:x}"
    head = (
        f"From: {FROM}\r\nTo: {TO.format(n)}\r\nSubject: Hello Ada\r\nDate: {formatdate()}\r\n"
        f"Message-ID: {make_msgid(domain='bench.example')}\r\nList-Unsubscribe: <https://x.example/u/1>\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{edge}"\r\n\r\n'
        f"--{edge}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    between = (
        f"\r\n--{edge}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    parts = [encodebytes(part.encode()).replace(b"\n", b"\r\n") for part in (text, html)]
    return b"".join((head.encode(), parts[0], between.encode(), parts[1], f"\r\n--{edge}--\r\n".encode()))


def signature(message: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """relaxed/relaxed (RFC 6376) of a message whose lines are canonical already."""
    head, body = message.split(b"\r\n\r\n", 1)
    body_hash = b64encode(sha256(body.rstrip(b"\r\n") + b"\r\n").digest())
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n"))
    known = {name.lower(): value for name, value in fields.items()}
    names = [name.encode() for name in SIGNED]
    header = b"v=1; a=rsa-sha256; c=relaxed/relaxed; d=bench.example; s=s; h=%b; bh=%b; b=" % (
        b":".join(names),
        body_hash,
    )
    canonical = b"".join(name + b":" + known[name] + b"\r\n" for name in names) + b"dkim-signature:" + header
    return (
        b"DKIM-Signature: "
        + header
        + b64encode(key.sign(canonical, padding.PKCS1v15(), hashes.SHA256()))
        + b"\r\n"
    )


def connect(port: int, tls: str) -> smtplib.SMTP:
    if not tls:
        return smtplib.SMTP("127.0.0.1", port, local_hostname="localhost")
    context = ssl.create_default_context(cadata=tls)
    return smtplib.SMTP_SSL("127.0.0.1", port, local_hostname="localhost", context=context)


def plain(port: int, emails: int, source: str, text: str, *, signed: bool, tls: str) -> Callable[[], int]:
    """The same messages through well-known libraries, one connection, no row anywhere."""
    environment = ImmutableSandboxedEnvironment(autoescape=True)
    template = environment.from_string(source.replace('default: "–"', 'default("–")'))
    words = environment.from_string(text.replace('default: "–"', 'default("–")'))
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )

    def loop() -> int:
        with connect(port, tls) as client:
            for n in range(emails):
                message = EmailMessage(policy=SMTP)
                message["From"], message["To"], message["Subject"] = FROM, TO.format(n), "Hello Ada"
                message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="bench.example")
                message["List-Unsubscribe"] = "<https://x.example/u/1>"
                message.set_content(words.render(contact=person(n)))
                message.add_alternative(rewritten(template.render(contact=person(n)), n), subtype="html")
                made = message.as_bytes()
                if signed:
                    names = [name.encode() for name in SIGNED]
                    relaxed = (b"relaxed", b"relaxed")
                    made = (
                        dkim.sign(made, b"s", b"bench.example", key, None, relaxed, include_headers=names)
                        + made
                    )
                client.sendmail(FROM, [TO.format(n)], made)
        return emails

    return loop
