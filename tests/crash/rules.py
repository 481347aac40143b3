"""The rules in SQL: each gives the rows that break its sentence. `:workspace` says of whom.

In `positions` a run says what each of its places waits for; whatever it waits for must be able to come.
"""

from __future__ import annotations

__all__ = ["ALWAYS", "AT_REST", "SHOWN_AS_UNKNOWN"]

PLACES = """places as (
  select r.workspace_id, r.id as run, p ->> 'node' as node, (p ->> 'visit')::int as visit, p -> 'wait' ->> 'kind' as kind,
    (p -> 'wait' ->> 'until')::timestamptz as until, r.due_at
  from workflow_runs r cross join jsonb_array_elements(r.positions) p
  where r.workspace_id = :workspace and r.status in ('active', 'waiting'))"""

TOLD = """exists (select from run_stimuli s where s.workspace_id = p.workspace_id and s.run_id = p.run
  and not s.parked and (s.kind = 'exit' or (s.node = p.node and s.visit = p.visit)))"""
FOUND = """exists (select from run_waits w where w.workspace_id = p.workspace_id and w.run_id = p.run
  and w.node = p.node and w.visit = p.visit and w.kind = p.kind)"""

EDGES = """edges as (
  select distinct r.id as run, x ->> 'from' as source, coalesce(x ->> 'port', 'next') as port, x ->> 'to' as target
  from workflow_runs r
  join workflow_versions v on v.workspace_id = r.workspace_id and v.id = r.version_id
  cross join jsonb_array_elements(v.graph -> 'edges') x where r.workspace_id = :workspace),
steps as (
  select s.*, lag(node) over place as before, lag(visit) over place as visit_before from run_steps s
  where s.workspace_id = :workspace and s.node <> '' and s.outcome in ('next', 'merged', 'failed', 'stopped', 'jumped')
  window place as (partition by run_id, position order by seq))"""

# A reply that came after all, later than what was done about its mail, stands in place of “unknown” by now.
SHOWN_AS_UNKNOWN = """exists (select from email_attempts a where a.workspace_id = e.workspace_id and a.email_id = e.id
  and (a.outcome = 'unknown' or a.finished_at > e.settled_at))"""

ALWAYS: dict[str, str] = {
    "each accepted trigger has exactly one run": """
        select e.id || ' has ' || count(r.id) from events e
        join workflow_triggers t on t.workspace_id = e.workspace_id and t.event_name = e.name and t.is_active
          and t.type in ('event', 'incoming_webhook')
        left join workflow_runs r on r.workspace_id = e.workspace_id and r.workflow_id = t.workflow_id
          and r.contact_id = e.contact_id and r.entry_key in ('event:' || e.id, 'once')
        where e.workspace_id = :workspace and not e.pending and e.contact_id is not null
        group by e.id, t.id having count(r.id) <> 1""",
    "each enrolment let in whom it counted": """
        select e.id || ' counted ' || e.started || ', there are ' || count(r.id) from enrolments e
        left join workflow_runs r on r.workspace_id = e.workspace_id and r.workflow_id = e.workflow_id
          and r.entry_key = e.entry_key
        where e.workspace_id = :workspace group by e.id, e.started having count(r.id) <> e.started""",
    "a run that is over has nothing left": """
        select x.what || ' of ' || x.run_id from (
          select 'wait' as what, workspace_id, run_id from run_waits
          union all select 'action', workspace_id, run_id from run_actions
          union all select 'intent', workspace_id, run_id from email_logs where status = 'intent') x
        join workflow_runs r on r.workspace_id = x.workspace_id and r.id = x.run_id
        where r.workspace_id = :workspace and r.ended_at is not null
        union all select 'positions of ' || id from workflow_runs
        where workspace_id = :workspace and ended_at is not null and positions <> '[]'""",
    "a run that stands still says why": """
        select id::text from workflow_runs where workspace_id = :workspace and reason is null
          and status in ('paused', 'blocked', 'quarantined')""",
    "a run that goes on stands somewhere": """
        select id::text from workflow_runs where workspace_id = :workspace
          and status in ('active', 'waiting') and positions = '[]'""",
    "what is free to go is due": f"""
        with {PLACES} select run || ' at ' || node from places
        where kind is null and due_at is null""",
    "what waits for a moment is due by then": f"""
        with {PLACES} select run || ' at ' || node from places where until is not null
          and (due_at is null or due_at > until)""",
    "a timer has a moment": f"""
        with {PLACES} select run || ' at ' || node from places where kind in ('timer', 'retry') and until is null""",
    "what waits for something outside can be found": f"""
        with {PLACES} select run || ' at ' || node || ' for ' || kind from places p
        where kind in ('event', 'email', 'action', 'child') and not {FOUND}""",
    "a wait belongs to a place of its run": f"""
        with {PLACES} select w.run_id || ' at ' || w.node from run_waits w
        join workflow_runs r on r.workspace_id = w.workspace_id and r.id = w.run_id
        where w.workspace_id = :workspace and r.status in ('active', 'waiting') and w.visit > 0
          and not exists (select from places p where p.run = w.run_id and p.node = w.node and p.visit = w.visit)""",
    "a mail that is waited for can still come": f"""
        with {PLACES} select run || ' at ' || node from places p where kind = 'email' and not {TOLD}
          and not exists (select from email_logs e where e.workspace_id = p.workspace_id and e.run_id = p.run
            and e.node = p.node and e.visit = p.visit and e.status in ('intent', 'sending', 'unknown'))""",
    "an action that is waited for can still come": f"""
        with {PLACES} select run || ' at ' || node from places p where kind = 'action' and not {TOLD}
          and not exists (select from run_actions a where a.workspace_id = p.workspace_id and a.run_id = p.run
            and a.node = p.node and a.visit = p.visit)""",
    "a child that is waited for can still come": f"""
        with {PLACES} select run || ' at ' || node from places p where kind = 'child' and not {TOLD}
          and not exists (select from workflow_runs c where c.workspace_id = p.workspace_id
            and c.parent_run_id = p.run and c.parent_node = p.node and c.parent_visit = p.visit
            and c.ended_at is null)""",
    "a merge waits for a branch that goes on": f"""
        with {PLACES} select run || ' at ' || node from places p where kind = 'merge' and until is null
          and not exists (select from places o where o.run = p.run and o.kind is distinct from 'merge')""",
    "what reached a run that goes on is not put aside": """
        select s.run_id::text from run_stimuli s
        join workflow_runs r on r.workspace_id = s.workspace_id and r.id = s.run_id
        join automation_workflows w on w.workspace_id = r.workspace_id and w.id = r.workflow_id
        where s.workspace_id = :workspace and s.parked and r.status in ('active', 'waiting') and w.status = 'live'""",
    "each visit asked for one mail, and one child": """
        select run_id || ' ' || node || ' ' || visit from email_logs
        where workspace_id = :workspace and run_id is not null and resend_of is null
        group by run_id, node, visit having count(*) > 1
        union all select parent_run_id || ' ' || parent_node || ' ' || parent_visit from workflow_runs
        where workspace_id = :workspace and parent_run_id is not null
        group by parent_run_id, parent_node, parent_visit having count(*) > 1""",
    "of mails with one send key at most one was accepted": """
        select regexp_replace(send_key, '(#again)+$', '') from email_logs
        where workspace_id = :workspace and status in ('accepted', 'delivered', 'bounced', 'complained')
        group by 1 having count(*) > 1""",
    "a mail that is accepted has an attempt that says so": """
        select e.id::text from email_logs e where e.workspace_id = :workspace and e.status = 'accepted'
          and not exists (select from email_attempts a where a.workspace_id = e.workspace_id
            and a.email_id = e.id and a.outcome = 'accepted' and a.marked_at is not null)
          and e.reason is null""",
    "a mail is sent again only if its fate was unknown": f"""
        select e.id::text from email_logs e where e.workspace_id = :workspace and e.status = 'resent'
          and not {SHOWN_AS_UNKNOWN}""",
    "the journal of each run is whole": """
        select r.id::text from workflow_runs r
        left join run_steps s on s.workspace_id = r.workspace_id and s.run_id = r.id
        where r.workspace_id = :workspace group by r.workspace_id, r.id, r.steps
        having count(s.seq) <> r.steps or count(distinct s.seq) <> r.steps or coalesce(max(s.seq), 0) <> r.steps""",
    "no visit of a step is left twice": """
        select run_id || ' ' || node || ' ' || visit from run_steps
        where workspace_id = :workspace and outcome = 'next' and node <> ''
        group by run_id, node, visit, port having count(*) > 1""",
    "the journal is a path in the graph of its version": f"""
        with {EDGES} select s.run_id || ' ' || s.seq || ': ' || s.node from steps s
        where s.type not in ('for_each', 'goal')
          and not (s.before = s.node and s.visit_before = s.visit)
          and not (s.before is null and s.position = 1 and s.visit = 1)
          and not exists (select from edges e join run_steps y on y.workspace_id = :workspace
              and y.run_id = s.run_id and y.seq < s.seq and y.outcome = 'next' and y.node = e.source and y.port = e.port
            where e.run = s.run_id and e.target = s.node
              and (s.before is null or (y.position = s.position and y.node = s.before and y.visit = s.visit_before)))""",
    "nothing was written under a fence that somebody else held by then": """
        select w.kind || ' ' || w.id from crash_fences w
        join crash_fences c on c.id = w.id and c.fence = w.fence and c.what = 'claimed'
        where w.what = 'written' and w.workspace_id = :workspace and w.who like 'crash:%' and c.who <> w.who""",
}

AT_REST: dict[str, str] = {
    "nothing that is due is left": """
        select 'run ' || id from workflow_runs where workspace_id = :workspace and due_at < now()
        union all select 'stimulus of ' || run_id from run_stimuli where workspace_id = :workspace and not parked
        union all select 'event ' || id from events where workspace_id = :workspace and pending
        union all select 'action ' || id from run_actions where workspace_id = :workspace and due_at < now()
        union all select 'enrolment ' || id from enrolments where workspace_id = :workspace and due_at < now()
        union all select 'schedule ' || id from schedules where workspace_id = :workspace and due_at < now()
        union all select 'mail ' || id from email_logs where workspace_id = :workspace and status = 'intent'
          and due_at < now()
        union all select 'mail on the wire ' || id from email_logs where workspace_id = :workspace
          and status = 'sending' and lease_until < now()
        union all select 'batch ' || id from run_batches where :workspace = any(workspace_ids)""",
}
