"""One transaction per request: the session, the services, and what PostgreSQL asks to repeat."""

from __future__ import annotations

from uuid import UUID

import pyramid_tm
import zope.sqlalchemy
from pyramid.config import Configurator
from pyramid.request import Request
from sqlalchemy.orm import Session

from autoloop.base.runtime import Runtime
from autoloop.base.services import Services
from autoloop.web.input import attempts

__all__ = ["database_session", "services"]


def includeme(config: Configurator) -> None:
    # Not annotated: that would look for the caller outside the views of errors, for static files too.
    config.add_settings(
        {
            "tm.manager_hook": pyramid_tm.explicit_manager,
            "tm.annotate_user": False,
            "retry.attempts": 4,
            "retry.activate_hook": attempts,
        }
    )
    config.add_request_method(database_session, "db", reify=True)
    config.add_request_method(services, "services", reify=True)
    config.add_request_method(runtime, "runtime", reify=True)
    config.add_request_method(workspace_id, "workspace_id", property=True)


def runtime(request: Request) -> Runtime:
    return request.registry.runtime


def database_session(request: Request) -> Session:
    """A session whose transaction is the request's."""
    session = request.runtime.web_sessions()
    # "changed": statements given as text are not noticed as changes, and would be rolled back.
    zope.sqlalchemy.register(session, initial_state="changed", transaction_manager=request.tm)
    request.add_finished_callback(lambda _request: session.close())
    return session


def services(request: Request) -> Services:
    held = request.runtime
    identity = request.identity
    return Services(
        request.db,
        held.clock,
        held.settings,
        held.registrations,
        user_id=identity.user_id if identity else None,
        nudger=held.nudger,
        key_id=identity.key_id if identity else None,
    )


def workspace_id(request: Request) -> UUID:
    return request.services.workspace_id
