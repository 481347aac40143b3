"""Who is in a segment."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from autoloop.base.services import Services
from autoloop.businesses.models import Segment, SegmentMember

__all__ = ["existing_segments", "member_ids"]

M = SegmentMember


def member_ids(
    services: Services, segment_id: UUID, after: UUID | None = None, limit: int = 1000
) -> list[UUID]:
    """Ids of a segment's members in order, from the one after `after` on. Shorter than `limit` at the end."""
    mine = select(M.contact_id).where(
        M.workspace_id == services.workspace_id, M.segment_id == segment_id, M.is_member
    )
    if after is not None:
        mine = mine.where(M.contact_id > after)
    return list(services.session.scalars(mine.order_by(M.contact_id).limit(limit)))


def existing_segments(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are segments of the workspace: what workflows name must be there."""
    mine = select(Segment.id).where(Segment.workspace_id == services.workspace_id, Segment.id.in_(ids))
    return set(services.session.scalars(mine))
