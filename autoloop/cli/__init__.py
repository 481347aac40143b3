"""The `autoloop` command. Each group of commands is a file of its own, read only when it is used."""

from __future__ import annotations

from autoloop.cli.group import main

__all__ = ["main"]
