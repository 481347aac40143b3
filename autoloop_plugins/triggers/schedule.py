"""Schedule: runs for a set of contacts, by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import Trigger
from autoloop.plugins.clocks import BadCron, Timetable, check_cron

__all__ = ["Schedule"]


class Schedule(Trigger):
    """Starts at moments given by a cron expression, for all active contacts, a tag or a segment.

    Five fields: minute, hour, day of the month, month, weekday (`0 9 * * mon-fri`); also `@hourly`,
    `@daily`, `@weekly`, `@monthly`, `@yearly`. Where the clock skips an hour, what was set for a time in
    it happens right after; where it repeats one, it happens once. Choose the re-entry rule `always` if
    the same contact may enter at each tick. A tick is missed when nobody was there for five minutes or
    more. While the workflow is paused nothing ticks.
    """

    name, title, category, icon = "schedule", "Schedule", "clock", "calendar"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        cron = colander.SchemaNode(
            colander.String(),
            title="When",
            description="minute hour day month weekday",
            ui={"widget": "cron"},
        )
        timezone = colander.SchemaNode(
            colander.String(), missing="UTC", title="Time zone", ui={"widget": "timezone"}
        )
        whom = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["all", "tag", "segment"]),
            missing="all",
            title="Whom",
            ui={
                "labels": {
                    "all": "All active contacts",
                    "tag": "Who has a tag",
                    "segment": "Who is in a segment",
                }
            },
        )
        tag = colander.SchemaNode(
            colander.String(),
            validator=colander.Length(1, 100),
            missing=None,
            title="Tag",
            ui={"widget": "tag", "when": {"whom": "tag"}},
        )
        segment_id = colander.SchemaNode(
            colander.String(),
            validator=colander.uuid,
            missing=None,
            title="Segment",
            ui={"widget": "segment", "when": {"whom": "segment"}},
        )
        missed = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["once", "skip"]),
            missing="once",
            title="Missed ticks",
            ui={"labels": {"once": "Make up for the last one", "skip": "Leave them out"}},
        )

        def validator(self, node: colander.SchemaNode, config: Mapping[str, Any]) -> None:
            fault = colander.Invalid(node)
            try:
                check_cron(config["cron"], config["timezone"])
            except BadCron as error:
                fault["timezone" if "time zone" in str(error) else "cron"] = str(error)
            if config["whom"] == "tag" and config["tag"] is None:
                fault["tag"] = "Choose a tag."
            if config["whom"] == "segment" and config["segment_id"] is None:
                fault["segment_id"] = "Choose a segment."
            if fault.children:
                raise fault

    def timetable(self, config: Mapping[str, Any]) -> Timetable:
        whom: dict[str, Any] = {"all": True}
        if config["whom"] == "tag":
            whom = {"tag": config["tag"]}
        elif config["whom"] == "segment":
            whom = {"segment": config["segment_id"].lower()}
        return Timetable(config["cron"], config["timezone"], whom, config["missed"])

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"At {config['cron']} ({config['timezone']})"
