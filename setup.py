"""The package is described in setup.cfg; here only: an archive without the dashboard is not made."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

BUILT = Path(__file__).parent / "autoloop/web/static/dist/main.js"


def see_to_dashboard() -> None:
    if not BUILT.exists():
        raise SystemExit("The dashboard is not built. “make dist” builds it first, then the wheel.")


class BuildPy(build_py):
    def run(self) -> None:
        if not self.editable_mode:
            see_to_dashboard()
        super().run()


class Sdist(sdist):
    def run(self) -> None:
        see_to_dashboard()
        super().run()


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
