"""Imported by the process that workers are forked from: all is there before the first of them begins."""

from __future__ import annotations

import kombu.transport.redis  # noqa: F401

from autoloop.base.nudges import Nudger
from tests.crash.worker import registrations

registrations()
Nudger("memory://").nudge("nothing")  # imports what the first message needs
