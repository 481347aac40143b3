"""Shapes of segments."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.businesses.models import SEGMENT_STATUSES
from autoloop.businesses.schemas.nodes import choice, flag, mapping, moment, number, text
from autoloop.web.input import ListQuery

__all__ = [
    "ConditionIn",
    "CountOut",
    "MemberOut",
    "SegmentIn",
    "SegmentOut",
    "SegmentPatch",
    "SegmentQuery",
    "SegmentRowOut",
    "WhyOut",
]


class SegmentIn(colander.MappingSchema):
    """A segment to be made. `condition` is typed JSON; see docs/reference/conditions.md."""

    name = text(_("Name"))
    description = text(_("Description"), 1000, missing="")
    condition = mapping(_("Condition"))
    announce = flag(_("Tell of the first members, too"), missing=False)


class SegmentPatch(colander.MappingSchema):
    """What may be changed. With `announce`, who enters or leaves by a new condition is told."""

    name = text(_("Name"), missing=colander.drop)
    description = text(_("Description"), 1000, empty=True)
    condition = mapping(_("Condition"), missing=colander.drop)
    announce = flag(_("Tell of the differences"), missing=False)


class SegmentRowOut(colander.MappingSchema):
    """A segment in a list. `status`: building, ready, or broken with the `problem`."""

    id = text("Id")
    name = text("Name")
    description = text("Description")
    status = choice("Status", SEGMENT_STATUSES)
    problem = text("What is wrong with it")
    member_count = number("Members")
    built_at = moment("Built", missing=None)
    created_at = moment("Made")
    updated_at = moment("Changed")


class SegmentOut(SegmentRowOut):
    """A segment."""

    condition = mapping("Condition")
    user_id = text("Who made it", missing=None)


class SegmentQuery(ListQuery):
    """Filters of the list of segments."""

    status = choice(_("Status"), SEGMENT_STATUSES, missing=None)


class ConditionIn(colander.MappingSchema):
    """A condition that is not saved yet."""

    condition = mapping(_("Condition"))


class Person(colander.MappingSchema):
    """A contact of a sample."""

    id = text("Id")
    email = text("Email", missing=None)
    first_name = text("First name")
    last_name = text("Last name")


class People(colander.SequenceSchema):
    person = Person()


class CountOut(colander.MappingSchema):
    """How many contacts match now, and some of them."""

    count = number("Contacts")
    sample = People(title="Some of them")


class MemberOut(Person):
    """A member. `next_check_at` is when time alone may end the membership."""

    status = text("Status")
    entered_at = moment("Entered", missing=None)
    next_check_at = moment("Asked again", missing=None)


class Trail(colander.SequenceSchema):
    question = mapping("What was asked, found and answered")


class WhyOut(colander.MappingSchema):
    """Why a contact matches or not: `matches` is asked now, `is_member` is what is kept."""

    contact_id = text("Contact")
    matches = flag("Matches")
    is_member = flag("Is a member")
    entered_at = moment("Entered", missing=None)
    next_check_at = moment("Asked again", missing=None)
    trail = Trail(title="The questions that decided")
