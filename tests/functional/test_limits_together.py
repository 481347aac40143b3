"""Limits of a step (cooldown, once) hold exactly for mails that are judged at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.runtime import Runtime
from autoloop.mail.templates.services import Templates
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


def version(world: MailWorld) -> UUID:
    with world.runtime.unit("web", world.tenant.id) as services:
        given = {"name": "A", "kind": "markdown", "subject": "Hi", "source": "Hi"}
        return services(Templates).create(given).version.id


def sent_and_not(world: MailWorld) -> list[str]:
    return sorted(row.status for row in world.rows())


@pytest.mark.parametrize("limits", [{"cooldown_hours": 24}, {"once": True}])
def test_of_mails_in_one_group_exactly_one_goes(world: MailWorld, limits: dict[str, Any]) -> None:
    ada = world.contact("ada@example.org")
    mine = {"contact_id": ada, "to_address": "ada@example.org", "template_version_id": version(world)}
    first = world.intend(kind="marketing", content=None, **mine)
    world.intend(2, kind="marketing", content=None, send_window=limits, **mine)
    other = world.intend(kind="marketing", send_window=limits)
    drain(world.runtime)
    assert [row.status for row in world.rows(*first)] == ["accepted"], "the oldest goes"
    held = [row.hold_reason for row in world.rows() if row.status == "intent"]
    assert held == ["cooldown", "cooldown"]
    assert [row.status for row in world.rows(*other)] == ["skipped"], "nobody's limit"
    world.make_due()
    drain(world.runtime)
    assert sent_and_not(world) == ["accepted", "skipped", "skipped", "skipped"]


def test_the_next_goes_if_the_one_before_fails(world: MailWorld) -> None:
    ada = world.contact("ada@example.org")
    mine = {"contact_id": ada, "kind": "transactional", "send_window": {"cooldown_hours": 24}}
    bad = world.intend(to_address="no address", **mine)
    good = world.intend(to_address="ada@example.org", **mine)
    drain(world.runtime)
    world.make_due()
    drain(world.runtime)
    assert [row.status for row in world.rows(*bad, *good)] == ["rejected", "accepted"]


def test_of_mails_in_several_senders_hands_exactly_one_goes(world: MailWorld) -> None:
    """Ten people, four mails each with a cooldown, four deliveries at once."""
    for n in range(10):
        address = f"p{n}@example.org"
        limits = {"cooldown_hours": 24}
        world.intend(
            4, kind="transactional", contact_id=world.contact(address), to_address=address, send_window=limits
        )
    for _ in range(3):
        world.make_due()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: drain(world.runtime), range(4)))
    assert sent_and_not(world) == ["accepted"] * 10 + ["skipped"] * 30
