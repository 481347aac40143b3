"""The page of the rules by which mail finds its way out."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import select

from autoloop.accounts.forms import posted_text
from autoloop.base.errors import AutoLoopError, Invalid
from autoloop.engine.models import Workflow
from autoloop.mail import resources, schemas
from autoloop.mail.models import ProviderAccount
from autoloop.mail.services.rules import MOST, ProviderRules
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

TEMPLATE = "autoloop.mail:pages/rules.jinja2"
FIELDS = ("account_id", "workflow_id", "kind", "recipient_domains")


@page(context=resources.ProviderRules, permission=Permission.MANAGE_PROVIDERS, template=TEMPLATE)
def rules(context: resources.ProviderRules, request: Request) -> dict[str, Any]:
    held = [
        {
            "account_id": str(rule.account_id),
            "workflow_id": str(rule.workflow_id or ""),
            "kind": rule.kind or "",
            "recipient_domains": " ".join(rule.recipient_domains),
        }
        for rule in request.services(ProviderRules).all()
    ]
    return _shown(request, held)


@page(
    context=resources.ProviderRules, method="POST", permission=Permission.MANAGE_PROVIDERS, template=TEMPLATE
)
def set_rules(context: resources.ProviderRules, request: Request) -> Any:
    given = posted_text(request)
    # One more than there may be, to be told so. A rule whose account was taken away is not given any more; those after it are.
    rows = [{field: given.get(f"{n}.{field}", "").strip() for field in FIELDS} for n in range(MOST + 1)]
    kept = [row for row in rows if row["account_id"]]
    wanted = [
        {name: value for name, value in row.items() if value}
        | {"recipient_domains": row["recipient_domains"].replace(",", " ").split()}
        for row in kept
    ]
    try:
        request.services(ProviderRules).replace(checked(schemas.SetRules(), {"rules": wanted})["rules"])
    except Invalid as error:
        return _shown(request, kept, error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


def _shown(
    request: Request, rows: list[dict[str, Any]], error: AutoLoopError | None = None
) -> dict[str, Any]:

    def named(table: Any) -> list[tuple[str, str]]:
        query = select(table.id, table.name).where(table.workspace_id == request.workspace_id)
        return [(str(id), name) for id, name in request.db.execute(query.order_by(table.name).limit(500))]

    return {
        "rows": [*rows, dict.fromkeys(FIELDS, "")],
        "accounts": named(ProviderAccount),
        "workflows": named(Workflow),
        "error": refuse(request, error),
    }
