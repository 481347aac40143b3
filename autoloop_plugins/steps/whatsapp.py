"""WhatsApp: send a template message through Meta's Cloud API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import colander
import httpx

from autoloop.plugins import (
    ActionContext,
    ActionStep,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Retry,
    Stop,
    needs_of,
)
from autoloop_plugins.steps.calls import again, concealed, credential_node, granted, retry_after

__all__ = ["WhatsApp"]

# Meta's error codes that pass by themselves; each is an answer, so nothing was sent.
# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
TEMPORARY = {
    1: "the API is in trouble",
    2: "the API is down",
    4: "too many calls of this app",
    80007: "too many calls of this account",
    130429: "too many messages a second",
    131000: "something went wrong there",
    131016: "the service is overloaded",
    131048: "too many messages were taken for spam",
    131056: "too many messages to this number",
    131057: "the account is in maintenance",
    133004: "the server is down for a while",
}
PAIR_LIMIT = timedelta(minutes=1)


class Parameters(colander.SequenceSchema):  # type: ignore[misc]
    value = colander.SchemaNode(ExpressionType("text"), title="Value")


class WhatsApp(ActionStep):
    """Send a WhatsApp template message to the contact's phone.

    The template must be approved at Meta; its placeholders are filled with the parameters in order. What
    the API calls passing (rate limits, overload) is tried again; a wrong number, template or token leaves
    through `error`. The API knows no idempotency: where a connection breaks after the message went out,
    or the worker dies meanwhile, the step fails instead of sending twice. `outputs.<step>.message_id` is WhatsApp's own id.
    """

    name, title, category, icon = "whatsapp", "WhatsApp message", "messages", "message-circle"
    capabilities = frozenset({"http"})
    gives = ("message_id",)
    time_limit = 30.0
    once = True

    class Config(colander.MappingSchema):  # type: ignore[misc]
        credential_id = credential_node("WhatsApp account", missing=colander.required)
        to = colander.SchemaNode(ExpressionType("text"), missing="", title="Phone, if not the contact's")
        template = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(r"[a-z0-9_]{1,512}\Z", msg="is no name of a template"),
            title="Template",
        )
        language = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(r"[a-z]{2,3}(_[A-Z]{2,3})?\Z", msg="must be like en or en_US"),
            missing="en",
            title="Language",
        )
        parameters = Parameters(missing=(), validator=colander.Length(max=50), title="Parameters")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config) | Needs(contact=True)

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if isinstance(config["to"], str) and config["to"] and _number(config["to"]) is None:
            yield "to", "must be a phone number with its country, or an expression"

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Retry | Fail | Stop:
        credential = granted(ctx, config["credential_id"], "whatsapp")
        if isinstance(credential, Fail):
            return credential
        given = ctx.evaluate(config["to"], "text") or ctx.contact.get("phone") or ""
        number = _number(str(given))
        if number is None:
            return Fail(
                f"“{given}” is no phone number with its country" if given else "there is no phone number"
            )
        try:
            answer = ctx.http.post(
                f"{credential['base_url'].rstrip('/')}/{credential['phone_number_id']}/messages",
                json=_message(number, config, [ctx.evaluate(each, "text") for each in config["parameters"]]),
                headers={"Authorization": f"Bearer {credential['access_token']}"},
                timeout=20.0,
            )
        except httpx.InvalidURL as error:
            return Fail(str(error)[:500])
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return again(ctx, f"{type(error).__name__}: {error}"[:300])
        except httpx.HTTPError as error:
            return Fail(f"nobody can say whether it was sent ({type(error).__name__}: {error})"[:300])
        return self._answer(ctx, answer, credential)

    def _answer(
        self, ctx: ActionContext, answer: httpx.Response, credential: Mapping[str, Any]
    ) -> Next | Retry | Fail:
        told = _told(answer)
        if answer.is_success:
            messages = told.get("messages")
            first = messages[0] if isinstance(messages, list) and messages else {}
            return Next(output={"message_id": first.get("id") if isinstance(first, Mapping) else None})
        error = told.get("error")
        error = error if isinstance(error, Mapping) else {}
        code = error.get("code")
        wait = retry_after(answer, ctx.now)
        if code in TEMPORARY:
            pause = wait or (PAIR_LIMIT if code == 131056 else None)
            return again(ctx, f"{TEMPORARY[code]} (code {code})", after=pause)
        if code is None and answer.status_code in (429, 503):
            return again(ctx, f"answered {answer.status_code}", after=wait)
        why = concealed(str(error.get("message") or ""), credential)
        return Fail(
            f"answered {answer.status_code}" + (f", code {code}: {why}"[:400] if code is not None else "")
        )

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"WhatsApp “{config['template'][:40]}”"


def _number(text: str) -> str | None:
    """Digits with the country's code, as the API takes them; None if it is no such number."""
    plain = re.sub(r"[\s().\-/]", "", text)
    digits = plain.removeprefix("+") if plain.startswith("+") else plain.removeprefix("00")
    return digits if digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 else None


def _message(number: str, config: Mapping[str, Any], values: list[Any]) -> dict[str, Any]:
    template: dict[str, Any] = {"name": config["template"], "language": {"code": config["language"]}}
    if values:
        # The API refuses new lines, tabs and more than four spaces in a row.
        texts = [{"type": "text", "text": " ".join(str(each).split())[:1024] or "–"} for each in values]
        template["components"] = [{"type": "body", "parameters": texts}]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": number,
        "type": "template",
        "template": template,
    }


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, Mapping) else {}
