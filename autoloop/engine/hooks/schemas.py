"""Shapes of webhooks, in and out of the JSON door."""

from __future__ import annotations

import colander

from autoloop.engine.models.entrances import SCHEMES
from autoloop.engine.schemas import flag, free, moment, word

__all__ = ["ChangeHook", "CreateHook", "HookOut", "NewHookOut"]

HEADER = colander.Regex(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z", msg="This is no header's name.")


class HookFields(colander.MappingSchema):
    is_active = flag(missing=colander.drop)
    scheme = word(
        missing=colander.drop,
        validator=colander.OneOf(SCHEMES),
        description="How a body is signed: none, standard (Standard Webhooks), github, plain (the secret in a header)",
    )
    header = word(
        missing=colander.drop, validator=HEADER, description="The signature's header, if not the usual"
    )
    secret = word(missing=colander.drop, validator=colander.Length(8, 500), description="Never shown again")
    mapping = free(missing=colander.drop, description="A contact's field → its path in the body")
    creates = flag(missing=colander.drop, description="Make contacts that are not known yet")
    event_id_path = word(
        missing=colander.drop,
        validator=colander.Length(max=300),
        description="Where the body holds its own id: a second one of the same id starts nothing",
    )


class CreateHook(HookFields):
    name = word(validator=colander.Length(1, 120))


class ChangeHook(HookFields):
    name = word(missing=colander.drop, validator=colander.Length(1, 120))
    header = word(missing=colander.drop, validator=HEADER)


class HookOut(colander.MappingSchema):
    id = word()
    name = word()
    is_active = flag()
    token_hint = word(description="The last four characters of its address")
    scheme = word()
    header = word(missing=None)
    mapping = free()
    creates = flag()
    event_id_path = word(missing=None)
    sample = free(missing=None, description="The last body that came in")
    sampled_at = moment(missing=None)
    created_at = moment()
    updated_at = moment()


class NewHookOut(HookOut):
    url = word(description="Shown once")
