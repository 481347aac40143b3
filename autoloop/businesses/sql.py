"""Owner functions: searches that row-level security would keep from their indexes.

`tsv @@`, `jsonb @>` and `text[] @>` are not leak-proof, so under a policy PostgreSQL tests them row by
row. These functions run as the owner, take the workspace from the same setting that the policy reads,
and give back ids only. An argument that is null filters nothing.
"""

from __future__ import annotations

from autoloop.businesses.models.columns import PUNCTUATION

__all__ = ["DROP", "FUNCTIONS", "GRANTS"]

_SPACES = " " * len(PUNCTUATION)
_QUOTED = PUNCTUATION.replace("'", "''")

# Every word must be there, each as the beginning of one. Words are quoted, so no input is a syntax error.
WORDS = f"""
create or replace function autoloop_search_words(words text) returns tsquery
language sql immutable strict set search_path = pg_catalog, pg_temp as $body$
  select to_tsquery('simple', coalesce(string_agg(
    '''' || replace(replace(w, '\\', ''), '''', '') || ''':*', ' & '), ''))
  from (select distinct w from regexp_split_to_table(
    lower(translate(left(words, 200), '{_QUOTED}\\', '{_SPACES} ')), '\\s+') w where w <> '' limit 10) parts
$body$
"""


def _matches(table: str, name: str, more: str, condition: str) -> str:
    return f"""
create or replace function {name}(words text, tag text, held jsonb{more}) returns setof uuid
language plpgsql stable security definer rows 1000
set search_path = public, pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $body$
declare
  here constant uuid := nullif(current_setting('autoloop.workspace', true), '')::uuid;
begin
  if here is null then return; end if;
  return query select r.id from {table} r where r.workspace_id = here
    and ($1 is null or r.tsv @@ autoloop_search_words($1))
    and ($2 is null or r.tags @> array[$2])
    and ($3 is null or r.fields @> $3){condition};
end
$body$
"""


FUNCTIONS = (
    WORDS,
    _matches("businesses", "autoloop_match_businesses", "", ""),
    _matches(
        "business_contacts",
        "autoloop_match_contacts",
        ", topic text",
        "\n    and ($4 is null or r.topics @> array[$4])",
    ),
)

SIGNATURES = (
    "autoloop_search_words(text)",
    "autoloop_match_businesses(text, text, jsonb)",
    "autoloop_match_contacts(text, text, jsonb, text)",
)

# {web} and {worker} are the names of the serving roles.
GRANTS = tuple(
    statement
    for signature in SIGNATURES
    for statement in (
        f"revoke all on function {signature} from public",
        f"grant execute on function {signature} to {{web}}, {{worker}}",
    )
)

DROP = tuple(f"drop function if exists {signature}" for signature in reversed(SIGNATURES))
