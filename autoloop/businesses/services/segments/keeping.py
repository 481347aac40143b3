"""Members are kept: notes of what changed are used up once, and who is due by time alone is asked again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from autoloop.base.due import DueKind, next_after, tenants_due
from autoloop.base.errors import Invalid
from autoloop.base.events import Event, emit
from autoloop.base.services import Services
from autoloop.businesses.models import Segment, SegmentMember
from autoloop.businesses.services.segments.asking import Flips, ask_again, ask_all

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "work"]

log = logging.getLogger(__name__)

BATCH = 2000
TENANTS = 50
TOLD = 1000

# Of segments that wait to be built nobody asks by time: their rows must not stand before those of others.
CHECKED = """segment_members m join segments s
  on s.workspace_id = m.workspace_id and s.id = m.segment_id and s.status = 'ready'"""

PROBE = f"""select exists (select from segment_changes)
  or exists (select from {CHECKED} where m.next_check_at <= now())
  or exists (select from segments where status = 'building')"""

DUE = text(f"""
select workspace_id from (select m.workspace_id from {CHECKED} where m.next_check_at <= :now
                          order by m.next_check_at limit {BATCH}) due
union
select workspace_id from (select workspace_id from segments where status = 'building' limit {TENANTS}) new""")

# One worker at a time keeps a workspace's segments, so that answers are written in the order they were asked.
HOLD = text("select pg_try_advisory_xact_lock(hashtextextended('segments ' || :workspace, 0))")

SNAPSHOT = text("""
select cast(cast(pg_snapshot_xmin(s) as text) as bigint), cast(cast(pg_snapshot_xmax(s) as text) as bigint)
from (select pg_current_snapshot()) found(s)""")

TAKE = text(f"""
delete from segment_changes c using (
  select id from segment_changes where workspace_id = :workspace order by id limit {BATCH}) taken
where c.workspace_id = :workspace and c.id = taken.id returning c.contact_id, c.chain""")

CHECKS = text(f"""
select m.segment_id, m.contact_id from {CHECKED}
where m.workspace_id = :workspace and m.next_check_at <= :now order by m.next_check_at limit {BATCH}""")

FORGET = text("""
update segment_members set next_check_at = null
where workspace_id = :workspace and segment_id = :segment and next_check_at is not null""")


class _Turn:
    """Which workspace begins this process's next round."""

    start = UUID(int=0)


_turn = _Turn()


def work(runtime: Runtime, now: datetime | None = None) -> int:
    """Build what must be built and ask again what may have changed, in some workspaces. Returns how much.

    `now` is the database's clock, unless a test says otherwise.
    """
    with runtime.unit("worker") as services:
        at = now or services.session.scalar(select(func.now()))
        noted = tenants_due(services.session, "segment_changes", "true", TENANTS, _turn.start)
        timed = services.session.scalars(DUE, {"now": at})
        tenants = list(dict.fromkeys([*noted, *timed]))
    done = 0
    for tenant in tenants:
        _turn.start = next_after(tenant)  # before it is tried: one that fails keeps nobody waiting
        done += _keep(runtime, tenant, at)
    return done


def _keep(runtime: Runtime, tenant: UUID, now: datetime) -> int:
    with runtime.unit("worker", tenant) as services:
        session = services.session
        oldest, newest = session.execute(SNAPSHOT).one()
        if not session.scalar(HOLD, {"workspace": str(tenant)}):
            return 0
        segments = list(session.execute(select(*Segment.__table__.c).order_by(Segment.id)))
        done = sum(
            _build(services, each, now, oldest, newest) for each in segments if each.status == "building"
        )
        changed: dict[UUID, int] = {}  # and how far down a chain of runs the change stands
        for contact_id, chain in session.execute(TAKE, {"workspace": tenant}):
            changed[contact_id] = max(chain, changed.get(contact_id, 0))
        checks: dict[UUID, set[UUID]] = {}
        for segment_id, contact_id in session.execute(CHECKS, {"workspace": tenant, "now": now}):
            checks.setdefault(segment_id, set()).add(contact_id)
        for segment in segments:
            if segment.status != "ready":
                continue
            asked = changed.keys() | checks.get(segment.id, set())
            if asked:
                _ask(services, segment, sorted(asked), now, changed)
                done += len(asked)
        return done + len(changed)


def _build(services: Services, segment: Any, now: datetime, oldest: int, newest: int) -> int:
    """Ask of everybody; but not before every transaction has ended that began when the triggers did not
    know of this segment yet: its changes are in no note."""
    if oldest < newest and (segment.barrier is None or oldest < int(segment.barrier)):
        if segment.barrier is None:
            _settle(services, segment, barrier=str(newest))
        return 0
    flips = _safely(services, segment, lambda: ask_all(services, segment, now))
    if flips is not None:
        if segment.announce:
            _tell(services, segment, flips, {})
        _settle(services, segment, status="ready", problem="", barrier=None, announce=False, built_at=now)
        _count(services, segment)
    return 1


def _ask(
    services: Services, segment: Any, contacts: list[UUID], now: datetime, chains: Mapping[UUID, int]
) -> None:
    flips = _safely(services, segment, lambda: ask_again(services, segment, contacts, now))
    if flips is not None and (flips.entered or flips.left):
        _tell(services, segment, flips, chains)
        _count(services, segment)


def _safely(services: Services, segment: Any, ask: Callable[[], Flips]) -> Flips | None:
    """A condition that cannot be asked breaks its own segment, and no other."""
    try:
        with services.session.begin_nested():
            return ask()
    except OperationalError:
        raise
    except (Invalid, DBAPIError) as error:
        log.warning("segment %s cannot be kept: %s", segment.id, error)
        details = error.details if isinstance(error, Invalid) else None
        problem = "; ".join(f"{place}: {', '.join(said)}" for place, said in (details or {}).items())
        _settle(
            services,
            segment,
            status="broken",
            problem=problem or "The database could not ask this condition.",
        )
        of_segment = {"workspace": services.workspace_id, "segment": segment.id}
        services.session.execute(FORGET, of_segment)  # nobody asks again until it is built anew
        return None


def _settle(services: Services, segment: Any, **values: Any) -> None:
    """Write what became of a segment, unless somebody changed it meanwhile: then it is built again."""
    _update(services, segment, Segment.updated_at == segment.updated_at, **values)


def _update(services: Services, segment: Any, *unless: Any, **values: Any) -> None:
    mine = (Segment.workspace_id == services.workspace_id, Segment.id == segment.id, *unless)
    services.session.execute(
        update(Segment)
        .where(*mine)
        .values(**values, updated_at=Segment.updated_at)
        .execution_options(synchronize_session=False)
    )
    services.changed("segments")


def _tell(services: Services, segment: Any, flips: Flips, chains: Mapping[UUID, int]) -> None:
    for name, contacts in (("segment.entered", flips.entered), ("segment.left", flips.left)):
        for start in range(0, len(contacts), TOLD):
            emit(services, list(_events(services, segment, name, contacts[start : start + TOLD], chains)))
    services.nudge("route")


def _events(
    services: Services, segment: Any, name: str, contacts: Iterable[UUID], chains: Mapping[UUID, int]
) -> Iterable[Event]:
    for contact in contacts:
        data = {"segment_id": str(segment.id)}
        yield Event(services.workspace_id, name, contact, data, chain=chains.get(contact, 0))


def _count(services: Services, segment: Any) -> None:
    mine = select(func.count()).where(
        SegmentMember.workspace_id == services.workspace_id,
        SegmentMember.segment_id == segment.id,
        SegmentMember.is_member,
    )
    _update(services, segment, member_count=mine.scalar_subquery())


KIND = DueKind("segments", PROBE, work)
