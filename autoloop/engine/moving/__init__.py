"""Moving runs to another version: who can go where, and the writes that take them there."""

from autoloop.engine.moving.apply import move_runs
from autoloop.engine.moving.plan import Carried, Place, Route, carry, place_of, route_between

__all__ = ["Carried", "Place", "Route", "carry", "move_runs", "place_of", "route_between"]
