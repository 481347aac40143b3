"""A migration says by itself what it makes: the application may change, what was migrated may not."""

from __future__ import annotations

import ast

from autoloop.base.migrate import script_folder

ALLOWED = {"autoloop.base.tenancy"}


def test_migrations_take_nothing_from_the_application() -> None:
    taken = set()
    for file in sorted((script_folder() / "versions").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            taken |= {
                (file.name, name) for name in names if name and name.split(".")[0].startswith("autoloop")
            }
    assert {name for _, name in taken} == ALLOWED, taken
