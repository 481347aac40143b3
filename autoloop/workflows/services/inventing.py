"""Somebody who is not there: sample values for whatever a person does not say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.base.services import Service

__all__ = ["Inventing"]

CONTACT: dict[str, Any] = {
    "email": "ada@lovelace.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "title": "Analyst",
    "phone": "+44 20 7946 0000",
    "timezone": "Europe/London",
    "locale": "en",
    "tags": [],
}
BUSINESS: dict[str, Any] = {
    "name": "Lovelace Engines",
    "domain": "lovelace.example",
    "website": "https://lovelace.example",
    "city": "London",
    "country": "GB",
    "timezone": "Europe/London",
}
VALUES: dict[str, Any] = {"number": 1, "boolean": True, "text": "sample"}


class Inventing(Service):
    def sample(self) -> dict[str, Any]:
        """A whole person with a company: {"contact", "business"}, a value in each custom field of the workspace."""
        loader = self.services.registrations.fact_loaders.get("fields")
        kinds = loader(self.services, [self.workspace_id]).get(self.workspace_id, {}) if loader else {}
        return {
            "contact": {**CONTACT, "fields": self._fields(kinds.get("contact") or {})},
            "business": {**BUSINESS, "fields": self._fields(kinds.get("business") or {})},
        }

    def filled(
        self, contact: Mapping[str, Any], business: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was said of the two (`check_fields` found it right), with sample values for the rest."""
        sample = self.sample()
        return _over(sample["contact"], contact), _over(sample["business"], business)

    def _fields(self, known: Mapping[str, Any]) -> dict[str, Any]:
        today = self.services.clock.now().date().isoformat()
        return {key: _value(each, today) for key, each in known.items()}


def _over(sample: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    made = {**sample, **given}
    return {**made, "fields": {**sample["fields"], **made["fields"]}}


def _value(field: Mapping[str, Any], today: str) -> Any:
    kind, choices = str(field.get("kind")), field.get("choices") or []
    if kind == "choice" and choices:
        return choices[0]
    return today if kind == "date" else VALUES.get(kind)
