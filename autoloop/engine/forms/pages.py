"""Pages of forms: the list, and one with what it asks, its preview and its snippets."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted, posted_text
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.engine.forms import schemas
from autoloop.engine.forms.resources import Form, Forms
from autoloop.engine.forms.services import Forms as FormService
from autoloop.engine.forms.services import honeypot_of
from autoloop.engine.models import Form as FormModel
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

HERE = "autoloop.engine:forms/templates/"
REFUSALS = (Invalid, Conflict)
SPARE = 2
EMPTIED = ("title", "button", "consent_text", "tracking_text", "thanks", "redirect_url")
KINDS = [
    ("text", _("text")),
    ("email", _("email")),
    ("phone", _("phone")),
    ("area", _("long text")),
    ("choice", _("choice")),
    ("check", _("checkbox")),
]


@page(context=Forms, permission=Permission.READ, template=HERE + "forms.jinja2")
def forms_page(context: Forms, request: Request) -> dict[str, Any]:
    return listed(request, {})


@page(context=Forms, method="POST", permission=Permission.EDIT, template=HERE + "forms.jinja2")
def create_form(context: Forms, request: Request) -> Any:
    try:
        row = request.services(FormService).create(posted(request, schemas.CreateForm()))
    except REFUSALS as error:
        return listed(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, str(row.id)))


@page(context=Form, permission=Permission.READ, template=HERE + "form.jinja2")
def form_page(context: Form, request: Request) -> dict[str, Any]:
    return shown(request, context.row)


@page(context=Form, method="POST", permission=Permission.EDIT, template=HERE + "form.jinja2")
def change_form(context: Form, request: Request) -> Any:
    row = context.row
    try:
        given = read_form(posted_text(request))
        request.services(FormService).change(row, checked(schemas.ChangeForm(), given))
    except REFUSALS as error:
        return shown(request, row, error=error, given=dict(request.POST))
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


@page(context=Form, name="remove", method="POST", permission=Permission.EDIT)
def remove_form(context: Form, request: Request) -> Any:
    try:
        request.services(FormService).remove(context.row)
    except Conflict as error:
        say(request, error.message, refused=True)
        return HTTPSeeOther(request.resource_url(context))
    return HTTPSeeOther(request.resource_url(context.__parent__))


def read_form(given: dict[str, str]) -> dict[str, Any]:
    """The page's rows as fields: `name-0`, `label-0` …; a row without a name is none."""
    fields, rest = [], {}
    for key, value in given.items():
        part, dash, number = key.rpartition("-")
        if not dash or part not in ("name", "label", "kind", "required", "choices") or not number.isdigit():
            rest[key] = value
    for index in range(100):
        name = given.get(f"name-{index}", "").strip()
        if name:
            choices = given.get(f"choices-{index}", "").split(",")
            fields.append(
                {
                    "name": name,
                    "label": given.get(f"label-{index}", name),
                    "kind": given.get(f"kind-{index}", "text"),
                    "required": given.get(f"required-{index}", "false"),
                    "choices": [each.strip() for each in choices if each.strip()],
                }
            )
    return (
        {name: rest.get(name, "") for name in EMPTIED}
        | {"is_active": "false"}
        | rest
        | {"fields": fields, "origins": rest.get("origins", "").split()}
    )


def listed(request: Request, given: dict[str, Any], error: AutoLoopError | None = None) -> dict[str, Any]:
    service = request.services(FormService)
    rows = request.db.scalars(service.rows().order_by(FormModel.name)).all()
    return {"rows": rows, "url": service.url, "given": given, "error": refuse(request, error)}


def shown(
    request: Request,
    row: FormModel,
    *,
    error: AutoLoopError | None = None,
    given: dict[str, Any] | None = None,
) -> dict[str, Any]:
    written: dict[str, Any] = {name: getattr(row, name) for name in ("name", "per_minute", *EMPTIED)}
    written |= {"is_active": row.is_active, "origins": "\n".join(row.origins)}
    for index, field in enumerate(row.fields):
        written |= {f"{part}-{index}": field[part] for part in ("name", "label", "kind", "required")}
        written[f"choices-{index}"] = ", ".join(field["choices"])
    filled = given if given is not None else written
    count = max((int(key[5:]) + 1 for key in filled if key[:5] == "name-" and key[5:].isdigit()), default=0)
    url = request.services(FormService).url(row)
    return {
        "row": row,
        "given": filled,
        "lines": range(min(count, 30) + (SPARE if given is None else 0)),
        "error": refuse(request, error),
        "kinds": KINDS,
        "url": url,
        "path": f"/f/{row.token}",
        "frame": f'<iframe src="{url}" title="{escaped(row.title or row.name)}" width="100%" height="480" loading="lazy"></iframe>',
        "snippet": snippet(row, url),
    }


def snippet(row: FormModel, url: str) -> str:
    """A form of plain HTML for somebody's own page, to style as they like."""
    lines = [f'<form method="post" action="{url}">']
    for field in row.fields:
        name, label = escaped(field["name"]), escaped(field["label"])
        required = " required" if field["required"] else ""
        if field["kind"] == "area":
            control = f'<textarea name="{name}"{required}></textarea>'
        elif field["kind"] == "choice":
            options = "".join(f"<option>{escaped(each)}</option>" for each in field["choices"])
            control = f'<select name="{name}"{required}><option value=""></option>{options}</select>'
        else:
            type = {"phone": "tel", "check": "checkbox"}.get(field["kind"], field["kind"])
            control = f'<input type="{type}" name="{name}"{required}>'
        lines.append(f"  <label>{label} {control}</label>")
    for name, asked in (("consent", row.consent_text), ("tracking", row.tracking_text)):
        if asked:
            lines.append(
                f'  <label><input type="checkbox" name="{name}" value="yes"> {escaped(asked)}</label>'
            )
    pot = honeypot_of(row)
    lines.append(f'  <div hidden><input name="{pot}" tabindex="-1" autocomplete="off"></div>')
    lines += [f"  <button>{escaped(row.button or str(_('Send')))}</button>", "</form>"]
    return "\n".join(lines)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
