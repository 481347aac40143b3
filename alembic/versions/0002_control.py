"""Forks, loops and children of runs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Whatever ends a child (its own steps, a person, an archived workflow, a deletion), its parent is told
# in the same transaction: no parent waits for a child that is gone.
CHILD_ENDED = """
create function autoloop_child_ended() returns trigger language plpgsql as $$
declare
  gone workflow_runs := case when tg_op = 'DELETE' then old else new end;
  state text := case when tg_op = 'DELETE' then 'cancelled' else new.status end;
begin
  if gone.parent_run_id is not null then
    insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
    select r.workspace_id, r.id, 'child:' || gone.id || ':' || gone.steps, gone.id, 'child', gone.parent_node,
      gone.parent_visit, jsonb_build_object(
        'port', case when state in ('completed', 'stopped') then 'next' else 'failed' end,
        'data', jsonb_build_object('run_id', gone.id, 'workflow_id', gone.workflow_id, 'status', state,
          'reason', case when tg_op = 'DELETE' then 'deleted' else gone.reason end,
          'outputs', case when length((gone.variables -> 'outputs')::text) > 12000 then '{"truncated": true}'
            else coalesce(gone.variables -> 'outputs', '{}') end,
          'variables', case when length((gone.variables -> 'vars')::text) > 3000 then '{"truncated": true}'
            else coalesce(gone.variables -> 'vars', '{}') end))
    from run_waits w join workflow_runs r on r.workspace_id = w.workspace_id and r.id = w.run_id
    where w.workspace_id = gone.workspace_id and w.run_id = gone.parent_run_id and w.node = gone.parent_node
      and w.visit = gone.parent_visit and w.kind = 'child'
    on conflict do nothing;
  end if;
  if gone.variables ? 'takes_along' and tg_op = 'UPDATE' then
    insert into run_stimuli (workspace_id, run_id, source_key, id, kind, payload)
    select c.workspace_id, c.id, 'parent:' || gone.id, gone.id, 'exit',
      jsonb_build_object('reason', 'the run that started it has ended')
    from workflow_runs c
    where c.workspace_id = gone.workspace_id and c.parent_run_id = gone.id and c.ended_at is null
      and c.variables ? 'goes_along'
    on conflict do nothing;
  end if;
  return null;
end $$;
create trigger child_ended after update on workflow_runs for each row
  when (new.ended_at is not null and old.ended_at is null
    and (new.parent_run_id is not null or new.variables ? 'takes_along'))
  execute function autoloop_child_ended();
create trigger child_deleted after delete on workflow_runs for each row
  when (old.ended_at is null and old.parent_run_id is not null)
  execute function autoloop_child_ended();
"""


def upgrade() -> None:
    op.add_column("workflow_runs", sa.Column("parent_node", sa.Text(), nullable=True))
    op.add_column("workflow_runs", sa.Column("parent_visit", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_workflow_runs_workspace_id_parent_run_id"),
        "workflow_runs",
        "workflow_runs",
        ["workspace_id", "parent_run_id"],
        ["workspace_id", "id"],
        ondelete="SET NULL (parent_run_id)",
    )
    op.create_index(
        "idx_workflow_runs_parent_run_id",
        "workflow_runs",
        ["workspace_id", "parent_run_id"],
        postgresql_where=sa.text("parent_run_id is not null"),
    )
    op.execute(CHILD_ENDED)


def downgrade() -> None:
    op.execute("drop trigger child_deleted on workflow_runs")
    op.execute("drop trigger child_ended on workflow_runs")
    op.execute("drop function autoloop_child_ended()")
    op.drop_index("idx_workflow_runs_parent_run_id", "workflow_runs")
    op.drop_constraint(op.f("fk_workflow_runs_workspace_id_parent_run_id"), "workflow_runs")
    op.drop_column("workflow_runs", "parent_visit")
    op.drop_column("workflow_runs", "parent_node")
