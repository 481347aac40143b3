"""A clean virtualenv with AutoLoop and a stranger's plugin, both from wheels; libraries are lent by this one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoloop.settings import Settings
from autoloop.web.layout import build

ROOT = Path(__file__).parents[2]
PARTS = (
    "autoloop",
    "autoloop_plugins",
    "alembic",
    "examples",
    "setup.cfg",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "LICENSE",
    "README.md",
)
GIVEN = (
    "stage",
    "public_url",
    "database_url",
    "database_worker_url",
    "database_owner_url",
    "redis_url",
    "broker_url",
    "cookie_secure",
)


@dataclass(frozen=True)
class Clean:
    """The virtualenv `env` below `place`, and what was installed there."""

    place: Path
    wheels: tuple[Path, ...]

    @property
    def python(self) -> Path:
        return self.place / "env" / "bin" / "python"

    @property
    def autoloop(self) -> Path:
        return self.place / "env" / "bin" / "autoloop"

    def run(self, *command: Any, settings: Settings | None = None) -> str:
        """What a command said, run far from the clone; with `settings` in its environment."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return run(
            *command,
            env=kept | (environment(settings) if settings else {}),
            cwd=self.place,
        )


def environment(settings: Settings) -> dict[str, str]:
    given = {name: str(getattr(settings, name)) for name in GIVEN}
    given |= {"secret_keys": " ".join(settings.secret_keys), "log_format": "text"}
    return {f"AUTOLOOP_{name.upper()}": value for name, value in given.items()}


def run(*command: Any, **options: Any) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=110, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def wheel(source: Path, out: Path) -> Path:
    """Build a wheel; without isolation where setuptools is at hand, so that nothing is downloaded."""
    near = ["--no-isolation", "--skip-dependency-check"] if importlib.util.find_spec("setuptools") else []
    run(sys.executable, "-m", "build", "--wheel", *near, "--outdir", out, source)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    if build.stale():
        build.build()
    place = tmp_path_factory.mktemp("clean")
    source = place / "source"
    source.mkdir()
    for part in PARTS:
        found = ROOT / part
        if found.is_dir():
            shutil.copytree(
                found, source / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
            )
        else:
            shutil.copy(found, source / part)
    hello = place / "hello"
    shutil.copytree(ROOT / "examples" / "autoloop-hello", hello)
    wheels = (wheel(source, place / "one"), wheel(hello, place / "two"))
    shutil.rmtree(source)
    home = place / "env"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        *wheels,
    )
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Clean(place, wheels)
