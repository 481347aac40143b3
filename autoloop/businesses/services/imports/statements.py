"""SQL of a chunk. Under row-level security every look-up is by columns whose operators are leak-proof."""

from __future__ import annotations

from sqlalchemy import text

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
    "PREPARE",
    "STAGES",
    "UPDATE_BUSINESSES",
    "UPDATE_CONTACTS",
]

# A chunk is small and the tables are large, but the planner has no statistics of the stages: it would
# hash whole tables. Nested loops over indexes are always right here.
PREPARE = (
    "set local enable_hashjoin = off",
    "set local enable_mergejoin = off",
    "set local client_min_messages = error",
)

STAGES = (
    """create temp table import_businesses (
  n int primary key, id uuid, external_id text, name text, domain text, email text, phone text, website text,
  city text, country text, timezone text, status text, tags text[], fields jsonb, found uuid
) on commit drop""",
    """create temp table import_contacts (
  n int, id uuid, company int, email text, email_normal text, external_id text, first_name text, last_name text,
  title text, phone text, timezone text, locale text, status text, consent text, tags text[], topics text[],
  fields jsonb, by_id uuid, by_email uuid, email_owner text
) on commit drop""",
)

MATCH_CONTACTS = text("""
update import_contacts s set
  by_id = (select c.id from business_contacts c
    where c.workspace_id = :tenant and c.external_id = s.external_id and c.external_id is not null),
  (by_email, email_owner) = (select c.id, c.external_id from business_contacts c
    where c.workspace_id = :tenant and c.email_normal = s.email_normal and s.email_normal <> '' limit 1)""")

CLASH = """coalesce(by_id <> by_email, false)
  or (by_id is null and external_id is not null and email_owner is not null)"""

MATCHED_CONTACTS = text(f"select n, coalesce(by_id, by_email), {CLASH} from import_contacts")
DROP_CLASHES = text(f"delete from import_contacts where {CLASH}")

# By external id; else by domain and name; by the domain alone or the name alone where only that is given.
MATCH_BUSINESSES = text("""
update import_businesses s set found = coalesce(
  (select b.id from businesses b
    where b.workspace_id = :tenant and b.external_id = s.external_id and b.external_id is not null),
  case
    when s.name is not null and s.domain is not null then
      (select b.id from businesses b
        where b.workspace_id = :tenant and b.name_key = lower(s.name) and b.domain = s.domain
          and (s.external_id is null or b.external_id is null)
        order by b.external_id nulls first, b.id limit 1)
    when s.name is not null then
      (select b.id from businesses b
        where b.workspace_id = :tenant and b.name_key = lower(s.name)
          and (s.external_id is null or b.external_id is null)
        order by b.domain <> '', b.external_id nulls first, b.id limit 1)
    when s.domain is not null then
      (select b.id from businesses b
        where b.workspace_id = :tenant and b.domain = s.domain and b.external_id is null
        order by b.id limit 1)
  end)""")

MATCHED_BUSINESSES = text("select n, found from import_businesses")

LOCK_CONTACTS = text("""
select count(*) from (select c.id from business_contacts c
  where c.workspace_id = :tenant and c.id = any(cast(:ids as uuid[])) order by c.id for no key update) held""")

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

UPDATE_BUSINESSES = text("""
with wanted as (
  select b.id, coalesce(b.external_id, s.external_id) as external_id, coalesce(s.name, b.name) as name,
    coalesce(nullif(s.domain, ''), b.domain) as domain, coalesce(s.email, b.email) as email,
    coalesce(s.phone, b.phone) as phone, coalesce(s.website, b.website) as website, coalesce(s.city, b.city) as city,
    coalesce(s.country, b.country) as country, coalesce(s.timezone, b.timezone) as timezone,
    coalesce(s.status, b.status) as status,
    case when s.tags is null then b.tags
      else array(select distinct t from unnest(b.tags || s.tags) t order by t) end as tags,
    case when s.fields is null then b.fields else jsonb_strip_nulls(b.fields || s.fields) end as fields
  from import_businesses s join businesses b on b.workspace_id = :tenant and b.id = s.found
)
update businesses b set external_id = w.external_id, name = w.name, domain = w.domain, email = w.email, phone = w.phone,
  website = w.website, city = w.city, country = w.country, timezone = w.timezone, status = w.status, tags = w.tags,
  fields = w.fields, updated_at = now()
from wanted w where b.workspace_id = :tenant and b.id = w.id
  and (b.external_id, b.name, b.domain, b.email, b.phone, b.website, b.city, b.country, b.timezone, b.status, b.tags, b.fields)
  is distinct from
  (w.external_id, w.name, w.domain, w.email, w.phone, w.website, w.city, w.country, w.timezone, w.status, w.tags, w.fields)
returning b.id""")

INSERT_CONTACTS = text("""
insert into business_contacts (workspace_id, id, business_id, email, email_normal, external_id, first_name, last_name,
  title, phone, timezone, locale, status, consent_marketing, consent_at, consent_source, tags, topics, fields, user_id)
select :tenant, s.id, (select coalesce(b.found, b.id) from import_businesses b where b.n = s.company),
  s.email, coalesce(s.email_normal, ''), s.external_id, coalesce(s.first_name, ''), coalesce(s.last_name, ''),
  coalesce(s.title, ''), coalesce(s.phone, ''), coalesce(s.timezone, ''), coalesce(s.locale, ''),
  coalesce(s.status, 'active'), coalesce(s.consent, :consent),
  case when coalesce(s.consent, :consent) <> 'unknown' then now() end,
  case when coalesce(s.consent, :consent) <> 'unknown' then 'import' else '' end,
  coalesce(s.tags, '{}'), coalesce(s.topics, '{}'), jsonb_strip_nulls(coalesce(s.fields, '{}')), cast(:user as uuid)
from import_contacts s where coalesce(s.by_id, s.by_email) is null order by s.n""")

# A file never takes back a no: who denied consent or left stays so.
UPDATE_CONTACTS = text("""
with wanted as (
  select c.id, c.tags as old_tags,
    coalesce((select coalesce(b.found, b.id) from import_businesses b where b.n = s.company), c.business_id) as business_id,
    case when s.email_normal is null or s.email_normal = c.email_normal then c.email else s.email end as email,
    coalesce(s.email_normal, c.email_normal) as email_normal, coalesce(c.external_id, s.external_id) as external_id,
    coalesce(s.first_name, c.first_name) as first_name, coalesce(s.last_name, c.last_name) as last_name,
    coalesce(s.title, c.title) as title, coalesce(s.phone, c.phone) as phone,
    coalesce(s.timezone, c.timezone) as timezone, coalesce(s.locale, c.locale) as locale,
    case when c.status in ('unsubscribed', 'bounced', 'complained') then c.status else coalesce(s.status, c.status) end as status,
    case when c.consent_marketing = 'denied' then 'denied' else coalesce(s.consent, c.consent_marketing) end as consent,
    case when s.tags is null then c.tags
      else array(select distinct t from unnest(c.tags || s.tags) t order by t) end as tags,
    case when s.topics is null then c.topics
      else array(select distinct t from unnest(c.topics || s.topics) t order by t) end as topics,
    case when s.fields is null then c.fields else jsonb_strip_nulls(c.fields || s.fields) end as fields
  from import_contacts s join business_contacts c on c.workspace_id = :tenant and c.id = coalesce(s.by_id, s.by_email)
)
update business_contacts c set business_id = w.business_id, email = w.email, email_normal = w.email_normal,
  external_id = w.external_id, first_name = w.first_name, last_name = w.last_name, title = w.title, phone = w.phone,
  timezone = w.timezone, locale = w.locale, status = w.status, consent_marketing = w.consent,
  consent_at = case when w.consent <> c.consent_marketing then now() else c.consent_at end,
  consent_source = case when w.consent <> c.consent_marketing then 'import' else c.consent_source end,
  tags = w.tags, topics = w.topics, fields = w.fields, updated_at = now()
from wanted w where c.workspace_id = :tenant and c.id = w.id
  and (c.business_id, c.email, c.email_normal, c.external_id, c.first_name, c.last_name, c.title, c.phone, c.timezone,
    c.locale, c.status, c.consent_marketing, c.tags, c.topics, c.fields)
  is distinct from (w.business_id, w.email, w.email_normal, w.external_id, w.first_name, w.last_name, w.title, w.phone,
    w.timezone, w.locale, w.status, w.consent, w.tags, w.topics, w.fields)
returning c.id, c.tags, w.old_tags""")
