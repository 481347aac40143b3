"""Nudges: messages that say "there is work of this kind". Never the work, so any may be lost."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from celery import Celery
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

__all__ = ["Nudger", "make_celery", "nudge_after_commit"]

log = logging.getLogger(__name__)

TASK = "autoloop.work"
QUEUE = "autoloop"
QUIET_SECONDS = 0.05  # a kind nudged this recently needs no second message
BROKEN_SECONDS = (
    5.0  # after a failure the broker is left alone this long: the scheduler's probe finds the rows
)


# Who sends a nudge may wait a second at the most; who waits for one asks again each second.
IMPATIENT = {"socket_timeout": 0.6, "socket_connect_timeout": 0.3, "max_retries": 0}
PATIENT = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}


def queue_of(kind: str) -> str:
    """Each kind has a queue of its own, and workers serve them in turn: however many nudges to send mail there
    are, those to route what came back do not stand behind them."""
    return f"{QUEUE}.{kind}"


def make_celery(broker_url: str, transport: dict[str, Any] | None = None) -> Celery:
    """A Celery application without results: JSON, ids only, and a broker that may be gone."""
    celery = Celery("autoloop", broker=broker_url)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_store_errors_even_if_ignored=False,
        task_default_queue=QUEUE,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        # Else what a task raised goes into a pipe that leads to itself, and nobody ever reads it.
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        # Signals rule a worker; whoever can write to the broker shall not.
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=transport or PATIENT,
        timezone="UTC",
    )
    return celery


class Nudger:
    """Sends nudges through the broker; gives up at once when it does not answer."""

    def __init__(self, broker_url: str) -> None:
        self.broker_url = broker_url
        self.celery = make_celery(broker_url, IMPATIENT)
        self._sent: dict[str, float] = {}
        self._broken_until = 0.0
        self._lock = threading.Lock()

    def nudge(self, kind: str) -> bool:
        """True if the broker took the message, or had one of this kind a moment ago."""
        now = time.monotonic()
        with self._lock:
            if now < self._broken_until:
                return False
            if now - self._sent.get(kind, 0.0) < QUIET_SECONDS:
                return True
            self._sent[kind] = now
        try:
            self.celery.send_task(
                TASK, args=[kind], queue=queue_of(kind), ignore_result=True, retry=False, expires=60
            )
        except Exception as error:
            with self._lock:
                self._broken_until = time.monotonic() + BROKEN_SECONDS
                self._sent.pop(kind, None)
            log.warning("the broker did not take a nudge; the scheduler will find the work: %s", error)
            return False
        return True

    def close(self) -> None:
        self.celery.close()


def nudge_after_commit(session: Session, nudger: Any, *kinds: str) -> None:
    """Nudge once this session's transaction has committed; nothing if it rolls back."""
    wanted: set[str] | None = session.info.get("nudges")
    if wanted is None:
        wanted = session.info["nudges"] = set()

        def send(session: Session) -> None:
            if session.in_nested_transaction():
                return
            due = sorted(wanted or ())
            (wanted or set()).clear()
            for kind in due:
                nudger.nudge(kind)

        def forget(_session: Session, ended: SessionTransaction) -> None:
            if ended.parent is None:  # a savepoint that fails leaves what was wanted before it
                (wanted or set()).clear()

        event.listen(session, "after_commit", send)
        event.listen(session, "after_soft_rollback", forget)
    wanted.update(kinds)
