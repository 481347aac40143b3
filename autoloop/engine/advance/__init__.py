"""Advance: claims due runs in batches, interprets each, writes what came of all in one commit."""

from autoloop.engine.advance.worker import PROBE, Advancer, work

__all__ = ["PROBE", "Advancer", "work"]
