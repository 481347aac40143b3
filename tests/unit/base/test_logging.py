"""Logs for people: a line stays one line, whatever a caller put into it."""

from __future__ import annotations

import logging

from autoloop.base.logging import PlainFormatter


def test_nobody_writes_a_line_of_their_own_into_the_log() -> None:
    path = "/x\n12:00:00 error   autoloop  all is lost\x1b[2J\u2028end"
    record = logging.LogRecord("autoloop.requests", logging.INFO, "", 0, "GET %s 404", (path,), None)
    said = PlainFormatter().format(record)
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said
    assert "/x\\n12:00:00" in said
