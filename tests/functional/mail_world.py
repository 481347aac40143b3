"""What tests of mail stand on: a workspace with a sender, an SMTP sink behind it, and emails to send."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.embedded.smtp_sink import SmtpSession
from autoloop.engine.models import Workflow, WorkflowRun, WorkflowVersion
from autoloop.mail.delivery import Delivery
from autoloop.mail.models import Email, ProviderAccount, Sender
from autoloop.settings import Settings
from tests.factories import Tenant

__all__ = [
    "MailWorld",
    "all_at_once",
    "at",
    "called_off",
    "deliver_until_done",
    "drain",
    "sending_process",
    "statuses",
    "until",
]

# A fork of a process that has imported everything and opened nothing: quick, and without our threads.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "tests.functional.mail_world",
        "autoloop.config",
        "autoloop.mail.pages.settings",
        "tests.crash.preloaded",
    ]
)


def drain(runtime: Runtime) -> None:
    """Deliver until nothing is due."""
    delivery = Delivery(runtime)
    for _ in range(1000):
        if delivery.work() == 0:
            return
    raise AssertionError("delivery does not come to an end")


def all_at_once(runtime: Runtime, count: int = 50) -> None:
    """So many workers that begin at the same moment and deliver until nothing is due."""
    gate = threading.Barrier(count)

    def send() -> None:
        delivery = Delivery(runtime)
        gate.wait(60)
        while delivery.work():
            pass

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(send) for _ in range(count)]:
            done.result(180)


def deliver_until_done(settings: Settings) -> None:
    """What a sending process does: its own runtime, its own connections; plugins, but no web."""
    config = Configurator()
    config.include("autoloop.base.registrations")
    runtime = config.registry.runtime = Runtime(settings, config.registry.registrations)
    config.include("autoloop.plugins.registry")
    drain(runtime)
    runtime.dispose()


def sending_process(settings: Settings) -> Any:
    """A process of its own that delivers what is due; it can be killed."""
    process = FORKS.Process(target=deliver_until_done, args=(settings,), daemon=True)
    process.start()
    return process


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for a condition, not for a time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


def at(verb: str, act: Callable[[], Any], line: str | None = None) -> Any:
    """How a sink answers: do something when it hears a verb, once; then say `line`, or as usual."""
    left = [1]

    def answer(heard: str, session: SmtpSession) -> str | None:
        if heard != verb or not left:
            return None
        left.pop()
        act()
        return line

    return answer


def statuses(world: MailWorld) -> list[str]:
    return [row.status for row in world.rows()]


@contextmanager
def called_off(world: MailWorld) -> Iterator[MailWorld]:
    """What still waits at the end is cancelled: it would be due while another test delivers."""
    yield world
    world.sql("update email_logs set status = 'cancelled' where workspace_id = :w and status = 'intent'")


@dataclass
class MailWorld:
    """One tenant that can send. Without a port, its mail goes to the mailbox."""

    runtime: Runtime
    tenant: Tenant
    port: int | None = None
    connections: int = 4
    sender: dict[str, Any] = field(default_factory=dict)
    sender_id: UUID = field(default_factory=new_id)
    account_id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        smtp = {"host": "127.0.0.1", "port": self.port, "security": "none", "connections": self.connections}
        smtp |= {"username": "", "password": "", "greeting_name": "localhost", "ca_certificate": ""}
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.add(
                ProviderAccount(
                    id=self.account_id,
                    workspace_id=self.tenant.id,
                    name="test",
                    provider="smtp" if self.port else "mailbox",
                    config=smtp if self.port else {},
                    is_default=True,
                )
            )
            services.session.flush()
            services.session.add(
                Sender(
                    id=self.sender_id,
                    workspace_id=self.tenant.id,
                    name="Ada",
                    address=f"ada@{self.tenant.slug}.example",
                    is_default=True,
                    **self.sender,
                )
            )

    def contact(self, address: str, **more: Any) -> UUID:
        id = new_id()
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.add(
                Contact(
                    id=id, workspace_id=self.tenant.id, email=address, email_normal=address.lower(), **more
                )
            )
        return id

    def intend(self, count: int = 1, **more: Any) -> list[UUID]:
        """Emails that are due now; `to_address` may hold {n}."""
        given: dict[str, Any] = {
            "kind": "transactional",
            "sender_id": self.sender_id,
            "content": {"subject": "Hello", "text": "Hello there.\n"},
        } | more
        to = given.pop("to_address", "person{n}@example.org")
        ids = [new_id() for _ in range(count)]
        with self.runtime.unit("web", self.tenant.id) as services:
            now = services.session.execute(text("select now()")).scalar_one()
            for n, id in enumerate(ids):
                row = {
                    "id": id,
                    "workspace_id": self.tenant.id,
                    "send_key": f"test:{id}",
                    "due_at": now,
                    **given,
                }
                services.session.add(Email(to_address=to.format(n=n), **row))
        return ids

    def rows(self, *ids: UUID) -> list[Email]:
        with self.runtime.unit("web", self.tenant.id) as services:
            query = (
                services.session.query(Email).where(Email.workspace_id == self.tenant.id).order_by(Email.id)
            )
            return query.where(Email.id.in_(ids)).all() if ids else query.all()

    def sql(self, statement: str, **values: Any) -> Any:
        """One statement on this tenant's rows, as its worker; rows, if it gives any."""
        with self.runtime.unit("worker") as services:
            result = services.session.execute(text(statement), {"w": self.tenant.id} | values)
            return result.all() if result.returns_rows else None

    def run(self, contact_id: UUID, **more: Any) -> tuple[UUID, UUID]:
        """A run of the contact that waits for an email; ids of workflow and run."""
        workflow, version, run = new_id(), new_id(), new_id()
        common = {"workspace_id": self.tenant.id}
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.add(Workflow(id=workflow, name="Outreach", **common))
            services.session.flush()
            services.session.add(
                WorkflowVersion(
                    id=version, workflow_id=workflow, number=1, graph={"schema": 1}, checksum="x", **common
                )
            )
            services.session.flush()
            values = {
                "workflow_id": workflow,
                "version_id": version,
                "contact_id": contact_id,
                "started_as": contact_id,
                "entry_key": "once",
                "status": "waiting",
                "positions": [],
                "visits": {},
                "variables": {},
            }
            services.session.add(WorkflowRun(id=run, **common, **values | more))
        return workflow, run

    def _update(self, values: str, where: str = "true") -> None:
        # In the order of ids, as everybody does it: the server may still be at what a killed process began.
        self.sql(f"""
          with mine as (select id from email_logs where workspace_id = :w and {where} order by id for no key update)
          update email_logs e set {values} from mine where e.workspace_id = :w and e.id = mine.id""")

    def lapse(self) -> None:
        """The lease of whatever is being sent runs out."""
        self._update("lease_until = now() - interval '1 second'")

    def make_due(self) -> None:
        """Time passes: every intent of this tenant is due."""
        self._update("due_at = now(), lease_until = null", "status = 'intent'")
        self.sql("update provider_accounts set rest_until = null where workspace_id = :w")
        self.sql("delete from mail_slowings where workspace_id = :w")
