"""API keys: made, shown once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted_text
from autoloop.accounts.models import ApiKey as ApiKeyRow
from autoloop.accounts.services import ApiKeys as KeyService
from autoloop.base.errors import AutoLoopError
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse, told
from autoloop.workspaces import schemas
from autoloop.workspaces.keys import create_key, revoke_key
from autoloop.workspaces.pages import REFUSALS, TEMPLATES
from autoloop.workspaces.resources import ApiKey, ApiKeys

EXPIRY_DAYS = (30, 90, 365)


@page(context=ApiKeys, permission=Permission.MANAGE_KEYS, template=TEMPLATES + "api_keys.jinja2")
def api_keys(context: ApiKeys, request: Request) -> dict[str, Any]:
    return keys_page(context, request)


@page(
    context=ApiKeys, method="POST", permission=Permission.MANAGE_KEYS, template=TEMPLATES + "api_keys.jinja2"
)
def create_api_key(context: ApiKeys, request: Request) -> dict[str, Any]:
    """Shown on the answer itself, and nowhere after: a reload asks for another key."""
    given: dict[str, Any] = {}
    try:
        given = posted_text(request)
        scopes = ["read", "write"] if given.pop("scope", "read") == "write" else ["read"]
        days = given.pop("days", "")
        expires_at = datetime.now(UTC) + timedelta(days=int(days)) if days in map(str, EXPIRY_DAYS) else None
        wanted = checked(schemas.CreateApiKey(), given | {"scopes": scopes})
        _made, key = create_key(request.services, wanted["name"], wanted["scopes"], expires_at)
    except REFUSALS as error:
        refuse(request, error)
        return keys_page(context, request, given=given, error=error)
    request.response.cache_control = "no-store"
    return keys_page(context, request, key=key)


@page(context=ApiKey, method="POST", name="revoke", permission=Permission.MANAGE_KEYS)
def revoke_api_key(context: ApiKey, request: Request) -> Any:
    revoke_key(request.services, context.row.id)
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "revoked"}))


def keys_page(
    context: ApiKeys,
    request: Request,
    *,
    key: str | None = None,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    query = request.services(KeyService).rows().order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id.desc())
    return {
        "rows": list(request.db.execute(query.limit(500))),
        "key": key,
        "given": given or {},
        "error": told(request, error),
        "day_options": [
            *((str(n), _("in ${n} days", mapping={"n": n}).interpolate()) for n in EXPIRY_DAYS),
            ("", _("never")),
        ],
        "now": datetime.now(UTC),
    }
