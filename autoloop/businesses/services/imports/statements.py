"""SQL of a chunk. Under row-level security every look-up is by columns whose operators are leak-proof."""

from __future__ import annotations

from sqlalchemy import TextClause, text

__all__ = [
    "DROP_CLASHES",
    "INSERT_BUSINESSES",
    "INSERT_CONTACTS",
    "LOCK_BUSINESSES",
    "LOCK_CONTACTS",
    "MATCHED_BUSINESSES",
    "MATCHED_CONTACTS",
    "MATCH_BUSINESSES",
    "MATCH_CONTACTS",
    "SETTLE_CONTACTS",
    "STAGES",
    "UPDATE_BUSINESSES",
    "UPDATE_CONTACTS",
]

# A chunk is small and the tables are large, but of the stages the planner has no statistics, and of a table
# that is just being filled none that are true: it would hash or scan whole tables, once per row at worst
# (tried: 20 s for a chunk). Nested loops over indexes are always right here.
STAGES = text("""
set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off;
set local client_min_messages = error;
create temp table import_businesses (
  n int primary key, id uuid, external_id text, name text, domain text, email text, phone text, website text,
  city text, country text, timezone text, status text, tags text[], fields jsonb, found uuid
) on commit drop;
create temp table import_contacts (
  n int, id uuid, company int, email text, email_normal text, external_id text, first_name text, last_name text,
  title text, phone text, timezone text, locale text, status text, consent text, consent_tracking text,
  tags text[], topics text[],
  fields jsonb, by_id uuid, by_email uuid, email_owner text
) on commit drop""")

MATCH_CONTACTS = text("""
update import_contacts s set
  by_id = (select c.id from business_contacts c
    where c.workspace_id = :tenant and c.external_id = s.external_id and c.external_id is not null),
  (by_email, email_owner) = (select c.id, c.external_id from business_contacts c
    where c.workspace_id = :tenant and c.email_normal = s.email_normal and c.email_normal <> '')""")

CLASH = """coalesce(by_id <> by_email, false)
  or (by_id is null and external_id is not null and email_owner is not null)"""

MATCHED_CONTACTS = text(f"""
select n, coalesce(by_id, by_email), {CLASH} from import_contacts where by_id is not null or by_email is not null""")
DROP_CLASHES = text(f"delete from import_contacts where {CLASH}")
# A plain column, because coalesce() in a join is not leak-proof either and would cost the index.
SETTLE_CONTACTS = text(
    "update import_contacts set by_id = by_email where by_id is null and by_email is not null"
)

# By external id; else by domain and name; by the domain alone or the name alone where only that is given.
# Never `order by id limit 1`: the planner then walks the primary key until something fits.
MATCH_BUSINESSES = text("""
update import_businesses s set found = coalesce(
  (select b.id from businesses b
    where b.workspace_id = :tenant and b.external_id = s.external_id and b.external_id is not null),
  case
    when s.name is not null and s.domain is not null then
      (select (array_agg(b.id order by b.external_id nulls first, b.id))[1] from businesses b
        where b.workspace_id = :tenant and b.name_key = lower(s.name) and b.domain = s.domain
          and (s.external_id is null or b.external_id is null))
    when s.name is not null then
      (select (array_agg(b.id order by b.domain <> '', b.external_id nulls first, b.id))[1] from businesses b
        where b.workspace_id = :tenant and b.name_key = lower(s.name)
          and (s.external_id is null or b.external_id is null))
    when s.domain is not null then
      (select (array_agg(b.id order by b.id))[1] from businesses b
        where b.workspace_id = :tenant and b.domain = s.domain and b.external_id is null)
  end)""")

MATCHED_BUSINESSES = text("select n, found from import_businesses where found is not null")

LOCK_CONTACTS = text("""
select c.id, c.tags from business_contacts c
where c.workspace_id = :tenant and c.id = any(cast(:ids as uuid[])) order by c.id for no key update""")

LOCK_BUSINESSES = text("""
select count(*) from (select b.id from businesses b
  where b.workspace_id = :tenant and b.id = any(cast(:ids as uuid[])) order by b.id for no key update) held""")

INSERT_BUSINESSES = text("""
insert into businesses (workspace_id, id, external_id, name, domain, email, phone, website, city, country, timezone,
  status, tags, fields, user_id)
select :tenant, s.id, s.external_id, coalesce(s.name, nullif(s.domain, ''), s.external_id), coalesce(s.domain, ''),
  s.email, coalesce(s.phone, ''), coalesce(s.website, ''), coalesce(s.city, ''), coalesce(s.country, ''),
  coalesce(s.timezone, ''), coalesce(s.status, 'lead'), coalesce(s.tags, '{}'),
  jsonb_strip_nulls(coalesce(s.fields, '{}')), cast(:user as uuid)
from import_businesses s where s.found is null order by s.n""")


def _update(
    table: str, stage: str, matched: str, values: dict[str, str], more: str, returning: str
) -> TextClause:
    """Set what differs. The expressions stand twice, because a join of the table with a list of wanted
    values would be a loop within a loop: no plan can look these up by key."""
    sets = ", ".join(f"{name} = {value}" for name, value in values.items())
    held = ", ".join(f"t.{name}" for name in values)
    wanted = ", ".join(values.values())
    return text(
        f"update {table} t set {sets}{more}, updated_at = now() from {stage} s "
        f"where t.workspace_id = :tenant and t.id = {matched} and ({held}) is distinct from ({wanted}) "
        f"returning {returning}"
    )


def _keep(*names: str) -> dict[str, str]:
    return {name: f"coalesce(s.{name}, t.{name})" for name in names}


def _join(name: str) -> str:
    """The union of two sets of words, sorted; the same array where nothing is new."""
    union = f"array(select distinct w from unnest(t.{name} || s.{name}) w order by w)"
    return f"case when s.{name} is null or t.{name} @> s.{name} then t.{name} else {union} end"


FIELDS = "case when s.fields is null then t.fields else jsonb_strip_nulls(t.fields || s.fields) end"

UPDATE_BUSINESSES = _update(
    "businesses",
    "import_businesses",
    "s.found",
    {
        "external_id": "coalesce(t.external_id, s.external_id)",
        "domain": "coalesce(nullif(s.domain, ''), t.domain)",
        **_keep("name", "email", "phone", "website", "city", "country", "timezone", "status"),
        "tags": _join("tags"),
        "fields": FIELDS,
    },
    "",
    "t.id",
)

INSERT_CONTACTS = text("""
insert into business_contacts (workspace_id, id, business_id, email, email_normal, external_id, first_name, last_name,
  title, phone, timezone, locale, status, consent_marketing, consent_at, consent_source,
  consent_tracking, tags, topics, fields, user_id)
select :tenant, s.id, (select coalesce(b.found, b.id) from import_businesses b where b.n = s.company),
  s.email, coalesce(s.email_normal, ''), s.external_id, coalesce(s.first_name, ''), coalesce(s.last_name, ''),
  coalesce(s.title, ''), coalesce(s.phone, ''), coalesce(s.timezone, ''), coalesce(s.locale, ''),
  coalesce(s.status, 'active'), coalesce(s.consent, :consent),
  case when coalesce(s.consent, :consent) <> 'unknown' then now() end,
  case when coalesce(s.consent, :consent) <> 'unknown' then 'import' else '' end,
  coalesce(s.consent_tracking, 'unknown'),
  coalesce(s.tags, '{}'), coalesce(s.topics, '{}'), jsonb_strip_nulls(coalesce(s.fields, '{}')), cast(:user as uuid)
from import_contacts s where s.by_id is null order by s.n""")

# A file never takes back a no: who denied consent or left stays so.
CONSENT = (
    "case when t.consent_marketing = 'denied' then 'denied' else coalesce(s.consent, t.consent_marketing) end"
)
CONSENT_TRACKING = "case when t.consent_tracking = 'denied' then 'denied' else coalesce(s.consent_tracking, t.consent_tracking) end"
LEFT = "t.status in ('unsubscribed', 'bounced', 'complained')"
SAID = f"{CONSENT} <> t.consent_marketing"
OWNER = "(select coalesce(b.found, b.id) from import_businesses b where b.n = s.company)"

UPDATE_CONTACTS = _update(
    "business_contacts",
    "import_contacts",
    "s.by_id",
    {
        "business_id": f"coalesce({OWNER}, t.business_id)",
        "email": "case when s.email_normal is null or s.email_normal = t.email_normal then t.email else s.email end",
        "external_id": "coalesce(t.external_id, s.external_id)",
        **_keep("email_normal", "first_name", "last_name", "title", "phone", "timezone", "locale"),
        "status": f"case when {LEFT} then t.status else coalesce(s.status, t.status) end",
        "consent_marketing": CONSENT,
        "consent_tracking": CONSENT_TRACKING,
        "tags": _join("tags"),
        "topics": _join("topics"),
        "fields": FIELDS,
    },
    f", consent_at = case when {SAID} then now() else t.consent_at end"
    f", consent_source = case when {SAID} then 'import' else t.consent_source end",
    "t.id, t.tags",
)
