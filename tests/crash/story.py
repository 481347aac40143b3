"""What is walked while workers are hit: a workflow with every way to wait, its contacts, its sink and its server."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from autoloop.base.errors import Invalid
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.demo.invariants import Judge
from autoloop.engine.advance import Advancer
from autoloop.engine.services.enrolment import enrol
from autoloop.engine.services.enrolments import Enrolments
from autoloop.engine.services.inbox import Inbox
from autoloop.mail.services.accounts import ProviderAccounts
from autoloop.mail.services.senders import Senders
from autoloop.mail.services.suppressions import Suppressions
from autoloop.mail.templates.services import Templates
from autoloop.workflows.services import Life, Workflows
from tests.crash.invariants import broken_story
from tests.crash.outside import PostOffice, Server
from tests.factories import Tenant
from tests.unit.engine.graphs import graph

__all__ = ["SOON", "Story", "tell"]

SOON = {"amount": 0.05, "unit": "seconds"}
LIMIT = 60.0

# What has been waited for long enough has come: leases of the dead are free, deferred mail is due, people say what
# to do with what is unknown. Runs' own timers are a twentieth of a second. What a worker has locked it is busy with.
TIME_PASSES = tuple(
    text(f"""update {table} set {change}
    where ctid = any (array(select ctid from {table} where {of} for update skip locked))""")
    for table, change, of in (
        ("email_logs", "lease_until = now()", "workspace_id = :w and lease_until > now()"),
        (
            "email_logs",
            "due_at = now()",
            "workspace_id = :w and due_at > now() and status in ('intent', 'unknown')",
        ),
        ("run_actions", "lease_until = now(), due_at = least(due_at, now())", "workspace_id = :w"),
        ("provider_accounts", "rest_until = null", "workspace_id = :w"),
        ("mail_slowings", "open_until = null, rate = null", "workspace_id = :w"),
        ("workflow_runs", "due_at = now()", "workspace_id = :w and due_at > now() and attempts > 0"),
        ("run_batches", "started_at = started_at - interval '30 seconds'", "true"),
    )
)
# A minute has one tick: each of ours is in another.
TICK = "update schedules set due_at = now() - make_interval(mins => :n) where workspace_id = :w"
GOING = """select (select count(*) from workflow_runs where workspace_id = :w and status in ('active', 'waiting'))
  + (select count(*) from run_batches) + (select count(*) from events where workspace_id = :w and pending)
  + (select count(*) from enrolments where workspace_id = :w and due_at is not null)"""
STANDING = """select r.status, r.due_at <= now() as due, r.attempts, r.positions, r.reason,
  (select jsonb_agg(e.status || coalesce(e.hold_reason, '')) from email_logs e where e.run_id = r.id) as mails
from workflow_runs r where r.workspace_id = :w and r.ended_at is null limit 5"""


@dataclass
class Story:
    """One tenant. `enter` lets people in by event, by enrolment and by schedule; `to_rest` lets time pass."""

    runtime: Runtime
    tenant: Tenant
    sink: PostOffice
    server: Server
    port: int | None = None
    people: list[str] = field(default_factory=list)
    silenced: dict[str, float] = field(default_factory=dict)
    workflow: UUID = field(init=False)
    template: str = field(init=False)

    def __post_init__(self) -> None:
        with self.runtime.unit("web", self.tenant.id) as services:
            services.user_id = self.tenant.user_id
            port = self.port or self.sink.port
            config = {"host": "127.0.0.1", "port": port, "security": "none", "connections": 2}
            services(ProviderAccounts).create({"name": "sink", "provider": "smtp", "config": config})
            services(Senders).create({"name": "Ada", "address": "ada@crash.example"})
            written: dict[str, Any] = {
                "name": "Hello",
                "kind": "markdown",
                "subject": "Hello",
                "source": "Hello.",
            }
            written |= {"preheader": "", "text_source": None, "field_rules": {}}
            self.template = str(services(Templates).create(written).template.id)
        child = self.publish(
            graph(
                ("v", "set_variables", {"set": [{"name": "n", "value": 1}]}),
                ("w", "wait", SOON),
                edges="v>w",
                reentry="always",
            )
        )
        self.workflow = self.publish(
            self.everything(child),
            {"type": "event", "config": {"event": "joined"}},
            {"type": "schedule", "config": {"cron": "@yearly", "whom": "tag", "tag": "scheduled"}},
        )

    def everything(self, child: UUID) -> dict[str, Any]:
        """Every way to wait, and to part and to meet again."""
        steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("fork", "fork", {}),
            (
                "mail",
                "send_email",
                {"template_id": self.template, "kind": "transactional", "on_unknown": "resend"},
            ),
            ("call", "http_request", {"method": "POST", "url": f"http://127.0.0.1:{self.server.port}/"}),
            ("each", "for_each", {"items": [1, 2]}),
            ("set", "set_variables", {"set": [{"name": "sum", "value": "{{ vars.item }}"}]}),
            ("merge", "merge", {}),
            ("split", "ab_split", {}),
            ("switch", "switch", {"value": "{{ vars.sum }}", "cases": [{"name": "two", "equals": "2"}]}),
            ("sub", "sub_workflow", {"workflow_id": str(child)}),
            ("wait", "wait", SOON),
            ("reply", "wait_for_event", {"event": "answered", "timeout": SOON}),
            ("tag", "add_tag", {"tag": "done"}),
        )
        edges = (
            "fork:a>mail fork:b>call mail:sent>merge mail:failed>merge mail:skipped>merge call:ok>each call:error>merge "
            "each:item>set set>each each:done>merge merge>split split:a>switch split:b>switch switch:two>sub "
            "switch:else>sub sub>wait sub:failed>wait sub:skipped>wait wait>reply reply>tag reply:timeout>tag"
        )
        return graph(*steps, edges=edges, start="fork", reentry="always")

    def publish(self, drawn: dict[str, Any], *triggers: dict[str, Any]) -> UUID:
        with self.runtime.unit("web", self.tenant.id) as services:
            services.user_id = self.tenant.user_id
            given = triggers or ({"type": "manual", "config": {}},)
            row = services(Workflows).create(f"W{secrets.token_hex(3)}", graph=drawn, triggers=given)
            try:
                services(Life).publish(row.id)
            except Invalid as error:
                raise AssertionError(str(error.details)) from error
            return row.id

    def contact(self, **more: Any) -> UUID:
        id = new_id()
        email = f"p{secrets.token_hex(6)}@crash.example"
        row = {"workspace_id": self.tenant.id, "id": id, "email": email, "email_normal": email}
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.execute(insert(Contact), [row | more])
        self.people.append(email)
        return id

    def enter(self, how: Sequence[str] = ("event", "tag", "schedule")) -> None:
        """One contact by each of these ways; each way is told twice, and counts once."""
        if "event" in how:
            tell(self, self.contact(), "joined", twice=True)
        if "tag" in how:
            tag = f"t{secrets.token_hex(4)}"
            self.contact(tags=[tag])
            for _ in range(2):
                with self.runtime.unit("web", self.tenant.id) as services:
                    services(Enrolments).begin(self.workflow, {"tag": tag}, entry_key=tag)
        if "schedule" in how:
            self.sql(
                "update business_contacts set tags = '{}' where workspace_id = :w and 'scheduled' = any(tags)"
            )
            self.contact(tags=["scheduled"])
            self.sql(TICK, n=len(self.people))

    def admit(self, workflow: UUID, contacts: Sequence[UUID]) -> None:
        with self.runtime.unit("web", self.tenant.id) as services:
            enrol(services, workflow, contacts)

    def sql(self, statement: str, **values: Any) -> Any:
        with self.runtime.unit("worker") as services:
            result: Any = services.session.execute(text(statement), {"w": self.tenant.id} | values)
            return result.all() if result.returns_rows else None

    def let_time_pass(self) -> None:
        Advancer.of(self.runtime).recovered = 0.0
        with self.runtime.unit("worker") as services:
            for statement in TIME_PASSES:
                services.session.execute(statement, {"w": self.tenant.id})

    def work(self) -> None:
        """A worker that nobody hits: all kinds, until nothing is due."""
        kinds = list(self.runtime.registrations.due_kinds.values())
        while sum(kind.work(self.runtime) for kind in kinds):
            pass

    def to_rest(self, work: Callable[[], None] | None = None, *, rounds: int = 1000) -> bool:
        """Let time pass until no run goes on any more. False if that does not come; then `why` tells more."""
        end = time.monotonic() + LIMIT
        for _ in range(rounds):
            self.let_time_pass()
            (work or self.work)()
            if not self.sql(GOING)[0][0]:
                return True
            if time.monotonic() > end:
                break
        return False

    @property
    def why(self) -> str:
        return f"nothing moves: {self.sql(STANDING)}"

    @property
    def taken(self) -> list[tuple[str, str]]:
        mine = set(self.people)
        return [(mail.message_id, mail.recipient) for mail in self.sink.mails if mail.recipient in mine]

    def silence(self, address: str) -> None:
        """This person wants no mail any more; noted when that is certain."""
        with self.runtime.unit("web", self.tenant.id) as services:
            services(Suppressions).suppress(address, "manual")
        self.silenced[address] = float(self.sql("select extract(epoch from clock_timestamp())")[0][0])

    def broken(self, *, at_rest: bool = True) -> list[str]:
        """Every rule that does not hold, in words."""
        with self.runtime.worker_engine.connect() as connection:
            found = list(map(str, broken_story(connection, self.tenant.id, self.taken, at_rest=at_rest)))
            judge = Judge(connection, self.tenant.id, self.workflow, self.taken)
            found += [
                f"{id} was begun once its address was suppressed" for id in judge.after_clicks(self.silenced)
            ]
        visits = {f"{run}:{node}:{visit}" for run, node, visit in self.sql(CALLED)}
        found += [f"no step asked for the call {key}" for key in self.calls if key not in visits]
        ids = dict(self.sql("select id::text, message_id from email_logs where workspace_id = :w"))
        return found + [
            f"{id} was offered as {name}"
            for id, name in self.sink.offered
            if id in ids and ids[id] not in (name, None)
        ]

    @property
    def calls(self) -> list[str]:
        """The Idempotency-Keys of calls that runs of this tenant made."""
        runs = {str(row[0]) for row in self.sql("select id from workflow_runs where workspace_id = :w")}
        return [key for key in self.server.calls if key.partition(":")[0] in runs]


CALLED = """select run_id, node, visit from run_steps where workspace_id = :w and type = 'http_request'
union select run_id, node, visit from run_waits where workspace_id = :w and kind = 'action'"""


def tell(story: Story, contact: UUID, name: str, *, twice: bool = False) -> None:
    """An event of this contact comes in; `twice`: the sender did not hear us the first time."""
    event = {"name": name, "contact_id": str(contact), "source": "crash", "id": secrets.token_hex(8)}
    for _ in range(2 if twice else 1):
        with story.runtime.unit("web", story.tenant.id) as services:
            services(Inbox).accept([event])
