"""Token buckets in the database, for the while in which Redis does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.governor.buckets import Bucket, Demand, Level, spend

__all__ = ["spend_in_rows"]

# The no-op update locks a bucket and gives its newest level; in one order, so that nobody waits in a circle.
LOCK = text("""
insert into mail_buckets as b (workspace_id, name, tokens, filled_at)
select u.tenant, u.name, u.burst, extract(epoch from clock_timestamp())
from unnest(cast(:tenants as uuid[]), cast(:names as text[]), cast(:bursts as float[])) u(tenant, name, burst)
order by u.tenant, u.name
on conflict (workspace_id, name) do update set tokens = b.tokens
returning b.name, b.tokens, b.filled_at, b.prompt_at, b.bulk_at""")

# A bucket that nobody looked at for a day is full, as one without a row is.
TIDY = text("""
delete from mail_buckets b using (
  select o.workspace_id, o.name from mail_buckets o where o.workspace_id = any(cast(:tenants as uuid[]))
    and o.filled_at < extract(epoch from clock_timestamp()) - 86400 for update skip locked) old
where b.workspace_id = old.workspace_id and b.name = old.name""")

NOW = text("select extract(epoch from clock_timestamp())::float")

WRITE = text("""
update mail_buckets b set tokens = u.tokens, filled_at = u.at, prompt_at = u.prompt, bulk_at = u.bulk
from jsonb_to_recordset(cast(:rows as jsonb)) u(tenant uuid, name text, tokens float, at float, prompt float, bulk float)
where b.workspace_id = u.tenant and b.name = u.name""")


def spend_in_rows(
    session: Session, tenants: Sequence[UUID], buckets: Sequence[Bucket], demands: Sequence[Demand]
) -> tuple[list[float], list[int]]:
    """As `spend`, on rows that stay locked until the transaction ends. `tenants`: whose each bucket is."""
    given = {
        "tenants": list(tenants),
        "names": [bucket.name for bucket in buckets],
        "bursts": [bucket.burst for bucket in buckets],
    }
    session.execute(TIDY, {"tenants": sorted(set(tenants))})
    levels = {
        row.name: Level(row.tokens, row.filled_at, (row.prompt_at, row.bulk_at))
        for row in session.execute(LOCK, given)
    }
    now = session.execute(NOW).scalar_one()  # after the locks: whoever held them has spent before it
    waits, causes, after = spend(buckets, levels, demands, now)
    rows = [
        {
            "tenant": tenant,
            "name": bucket.name,
            "tokens": after[bucket.name].tokens,
            "at": after[bucket.name].at,
            "prompt": after[bucket.name].given[0],
            "bulk": after[bucket.name].given[1],
        }
        for tenant, bucket in zip(tenants, buckets, strict=True)
    ]
    session.execute(WRITE, {"rows": orjson.dumps(rows).decode()})
    return waits, causes
