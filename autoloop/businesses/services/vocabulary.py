"""What a workspace may say about its records: custom fields, tags, topics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from autoloop.base.errors import Conflict, Invalid
from autoloop.base.ids import new_id
from autoloop.base.lines import tidy
from autoloop.base.services import Service
from autoloop.businesses import models
from autoloop.businesses.services.consents import said_by
from autoloop.businesses.services.records import written
from autoloop.businesses.values import FieldType

__all__ = ["Fields", "Tags", "Topics", "insert_tags"]

MOST_FIELDS = 200
FIELD_KEY = "uq_field_definitions_workspace_id_target_key"
TAG_NAME = "uq_tags_workspace_id_name"
TOPIC_KEY = "uq_topics_workspace_id_key"
SUBSCRIBERS = text("""
select t.key, count(*) from business_contacts c cross join unnest(c.topics) t(key)
where c.workspace_id = :tenant and t.key = any(cast(:keys as text[])) group by t.key""")

INSERT_TAGS = text("""
insert into tags (workspace_id, id, name)
select u.tenant, u.id, u.name
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:names as text[])) u(tenant, id, name)
where not exists (select from tags t where t.workspace_id = u.tenant and t.name = u.name)
order by u.tenant, u.name on conflict (workspace_id, name) do nothing""")


def insert_tags(session: Any, names: Iterable[tuple[UUID, str]]) -> None:
    """Make the tags there are not yet. Names are (workspace_id, name); the order of inserts is fixed."""
    wanted = sorted(set(names))
    if wanted:
        tenants, words = [tenant for tenant, _ in wanted], [name for _, name in wanted]
        session.execute(INSERT_TAGS, {"tenants": tenants, "ids": [new_id() for _ in wanted], "names": words})


class Fields(Service):
    """Definitions of custom fields. A field's key and kind never change: values lie under them."""

    def rows(self) -> Any:
        return select(models.FieldDefinition).where(models.FieldDefinition.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> models.FieldDefinition | None:
        return self.session.get(models.FieldDefinition, (self.workspace_id, id))

    def types(self, target: str) -> dict[str, FieldType]:
        """Key → type of the fields of contacts or businesses."""
        table = models.FieldDefinition
        rows = self.session.execute(
            select(table.key, table.kind, table.choices).where(
                table.workspace_id == self.workspace_id, table.target == target
            )
        )
        return {row.key: FieldType(row.kind, tuple(row.choices)) for row in rows}

    def titles(self) -> dict[str, str]:
        """What a column may be mapped to: `fields.plan` or `business.fields.plan` → title."""
        rows = self.session.execute(
            self.rows().order_by(models.FieldDefinition.position, models.FieldDefinition.key)
        ).scalars()
        prefix = {"contact": "fields.", "business": "business.fields."}
        return {prefix[row.target] + row.key: row.title for row in rows}

    def create(
        self, target: str, key: str, title: str, kind: str = "text", choices: Iterable[str] = ()
    ) -> models.FieldDefinition:
        """Define a field. Conflict if there is one of that key, or too many."""
        count = self.session.scalar(
            select(func.count()).select_from(
                self.rows().where(models.FieldDefinition.target == target).subquery()
            )
        )
        if (count or 0) >= MOST_FIELDS:
            raise Conflict(f"There are {MOST_FIELDS} custom fields already, which is the most there may be.")
        row = models.FieldDefinition(
            workspace_id=self.workspace_id,
            id=new_id(),
            target=target,
            key=key,
            title=title,
            kind=kind,
            choices=self._choices(kind, choices),
            position=count or 0,
        )
        self.services.changed("fields")
        return _added(self, row, FIELD_KEY, "key", f"There is a field “{key}” already.")

    def change(self, row: models.FieldDefinition, given: Mapping[str, Any]) -> models.FieldDefinition:
        """Change title, position or choices."""
        for name in ("title", "position"):
            if name in given:
                setattr(row, name, given[name])
        if "choices" in given:
            row.choices = self._choices(row.kind, given["choices"])
        self.session.flush()
        self.services.changed("fields")
        return row

    def delete(self, row: models.FieldDefinition) -> None:
        """Remove the definition and every value under it."""
        table = models.Contact if row.target == "contact" else models.Business
        self.session.execute(
            update(table)
            .where(table.workspace_id == self.workspace_id, table.fields.has_key(row.key))
            .values(fields=table.fields.op("-")(row.key), updated_at=func.now())
            .execution_options(synchronize_session=False)
        )
        self.session.delete(row)
        self.session.flush()
        self.services.changed("fields", "contacts", "businesses")

    def _choices(self, kind: str, choices: Iterable[str]) -> list[str]:
        listed = list(dict.fromkeys(" ".join(choice.split()) for choice in choices if choice.strip()))
        if kind == "choice" and not listed:
            raise Invalid(details={"choices": ["A choice needs at least one thing to choose."]})
        if kind != "choice" and listed:
            raise Invalid(details={"choices": ["Only fields of the kind choice have choices."]})
        return listed


class Tags(Service):
    def rows(self) -> Any:
        return select(models.Tag).where(models.Tag.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> models.Tag | None:
        return self.session.get(models.Tag, (self.workspace_id, id))

    def names(self) -> list[str]:
        statement = select(models.Tag.name).where(models.Tag.workspace_id == self.workspace_id)
        return list(self.session.scalars(statement.order_by(models.Tag.name).limit(1000)))

    def create(self, name: str, color: str = "") -> models.Tag:
        name = _tag_name(name)
        row = models.Tag(workspace_id=self.workspace_id, id=new_id(), name=name, color=color)
        self.services.changed("tags")
        return _added(self, row, TAG_NAME, "name", f"There is a tag “{name}” already.")

    def change(self, row: models.Tag, given: Mapping[str, Any]) -> models.Tag:
        """Recolour or rename; a new name is written to everything that carries the tag."""
        if "color" in given:
            row.color = given["color"]
        name = _tag_name(given.get("name", row.name))
        if name != row.name:
            old = row.name
            with written(self.session, {TAG_NAME: ("name", f"There is a tag “{name}” already.")}):
                row.name = name
            self._replace(old, name)
        self.session.flush()
        self.services.changed("tags")
        return row

    def delete(self, row: models.Tag) -> None:
        """Remove the tag, also from everything that carries it."""
        self._replace(row.name, None)
        self.session.delete(row)
        self.session.flush()
        self.services.changed("tags")

    def _replace(self, old: str, new: str | None) -> None:
        for table, matches in (
            (models.Contact, "autoloop_match_contacts(null, :old, null, null)"),
            (models.Business, "autoloop_match_businesses(null, :old, null)"),
        ):
            name = table.__tablename__
            changed = "array_remove(tags, :old)"
            if new is not None:
                changed = (
                    f"array(select distinct t from unnest({changed} || cast(:new as text)) t order by t)"
                )
            self.session.execute(
                text(
                    f"update {name} set tags = {changed}, updated_at = now() "
                    f"where workspace_id = :tenant and id in (select {matches})"
                ),
                {"tenant": self.workspace_id, "old": old, "new": new},
            )
        self.services.changed("contacts", "businesses")


class Topics(Service):
    def rows(self) -> Any:
        return select(models.Topic).where(models.Topic.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> models.Topic | None:
        return self.session.get(models.Topic, (self.workspace_id, id))

    def known(self) -> set[str]:
        """The keys of all topics."""
        statement = select(models.Topic.key).where(models.Topic.workspace_id == self.workspace_id)
        return set(self.session.scalars(statement))

    def subscribers(self, keys: Collection[str]) -> dict[str, int]:
        """How many contacts subscribe to each of these topics."""
        if not keys:
            return {}
        found = self.session.execute(SUBSCRIBERS, {"tenant": self.workspace_id, "keys": list(keys)})
        return {row.key: row.count for row in found}

    def create(self, key: str, name: str, description: str = "", is_public: bool = True) -> models.Topic:
        row = models.Topic(
            workspace_id=self.workspace_id,
            id=new_id(),
            key=key,
            name=_topic_name(name),
            description=tidy(description),
            is_public=is_public,
        )
        self.services.changed("topics")
        return _added(self, row, TOPIC_KEY, "key", f"There is a topic “{key}” already.")

    def change(self, row: models.Topic, given: Mapping[str, Any]) -> models.Topic:
        if "name" in given:
            row.name = _topic_name(given["name"])
        if "description" in given:
            row.description = tidy(given["description"])
        row.is_public = given.get("is_public", row.is_public)
        self.session.flush()
        self.services.changed("topics")
        return row

    def delete(self, row: models.Topic) -> None:
        """Remove the topic, and every subscription to it."""
        said_by(self.services, "topic_deleted")
        self.session.execute(
            text(
                "update business_contacts set topics = array_remove(topics, :key), updated_at = now() where "
                "workspace_id = :tenant and id in (select autoloop_match_contacts(null, null, null, :key))"
            ),
            {"tenant": self.workspace_id, "key": row.key},
        )
        self.session.delete(row)
        self.session.flush()
        self.services.changed("topics", "contacts")


def _topic_name(given: str) -> str:
    name = tidy(given)
    if not name:
        raise Invalid(details={"name": ["A topic has a name."]})
    return name


def _tag_name(given: str) -> str:
    name = " ".join(given.split())
    if not name:
        raise Invalid(details={"name": ["A tag has a name."]})
    return name


def _added(service: Service, row: Any, constraint: str, field: str, message: str) -> Any:
    with written(service.session, {constraint: (field, message)}):
        service.session.add(row)
    return row
