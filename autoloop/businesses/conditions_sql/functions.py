"""Functions of the database that read values as conditions in Python do: case, numbers, moments.

They are part of a migration: never change one, make another.
"""

from __future__ import annotations

from autoloop.plugins.conditions.folding import FOLDED, UNFOLDED
from autoloop.plugins.conditions.values import MOMENT

__all__ = ["DROP_FUNCTIONS", "FUNCTIONS"]

# lower(… "C") folds A to Z alone; the long table costs a search per letter, so ASCII goes without it.
FOLD = f"""
create or replace function autoloop_fold(value text) returns text
language sql immutable strict parallel safe as $$
  select case when octet_length(value) = char_length(value) then lower(value collate "C")
    else lower(translate(value, '{UNFOLDED}', '{FOLDED}') collate "C") end
$$
"""

NUMBER = """
create or replace function autoloop_number(value jsonb) returns double precision
language sql immutable strict parallel safe as $$
  select case when jsonb_typeof(value) = 'number' then
    case when abs(value::numeric) >= 1e300 then null when abs(value::numeric) < 1e-300 then 0
      else value::numeric::double precision end end
$$
"""

MOMENT_OF = rf"""
create or replace function autoloop_moment(value text) returns timestamptz
language plpgsql immutable strict parallel safe set timezone = 'UTC' as $$
declare
  p constant text[] := regexp_match(left(value, 41), '^{MOMENT}$');
  y int; m int; d int; zone text; found timestamptz;
begin
  if p is null or length(value) > 40 then return null; end if;
  y := p[1]; m := p[2]; d := p[3]; zone := p[8];
  if y < 1 or m < 1 or m > 12 or d < 1
    or d > extract(day from make_date(y, m, 1) + interval '1 month' - interval '1 day')
    or coalesce(p[4]::int, 0) > 23 or coalesce(p[5]::int, 0) > 59 or coalesce(p[6]::int, 0) > 59
  then return null; end if;
  found := make_timestamptz(y, m, d, coalesce(p[4]::int, 0), coalesce(p[5]::int, 0),
    (coalesce(p[6], '0') || '.' || coalesce(p[7], '0'))::double precision, 'UTC');
  if zone is not null and zone <> 'Z' then
    if substr(zone, 2, 2)::int > 23 or right(zone, 2)::int > 59 then return null; end if;
    found := found - (left(zone, 1) || '1')::int
      * make_interval(hours => substr(zone, 2, 2)::int, mins => right(zone, 2)::int);
  end if;
  if found < '0001-01-01 00:00:00+00' or found >= '10000-01-01 00:00:00+00' then return null; end if;
  return found;
end
$$
"""

# As datetime.isoformat() writes a moment in UTC.
ISO = """
create or replace function autoloop_iso(value timestamptz) returns text
language sql immutable strict parallel safe as $$
  select to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when extract(microseconds from value)::bigint % 1000000 = 0 then ''
       else to_char(value at time zone 'UTC', '.US') end || '+00:00'
$$
"""

FUNCTIONS = (
    FOLD,
    NUMBER,
    MOMENT_OF,
    ISO,
    *(
        f"grant execute on function {signature} to autoloop_web, autoloop_worker"
        for signature in (
            "autoloop_fold(text)",
            "autoloop_number(jsonb)",
            "autoloop_moment(text)",
            "autoloop_iso(timestamptz)",
        )
    ),
)

DROP_FUNCTIONS = tuple(
    f"drop function if exists {signature}"
    for signature in (
        "autoloop_fold(text)",
        "autoloop_number(jsonb)",
        "autoloop_moment(text)",
        "autoloop_iso(timestamptz)",
    )
)
