"""Where the example files are: in a clone beside the package, under `share` once installed."""

from __future__ import annotations

import sysconfig
from pathlib import Path

__all__ = ["example"]


def example(name: str) -> Path:
    """A file below examples/, such as businesses.csv. Raises FileNotFoundError."""
    for folder in (
        Path(__file__).parents[2] / "examples",
        Path(sysconfig.get_path("data")) / "share/autoloop/examples",
    ):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(
        f"The example {name} is missing from this installation. Install AutoLoop again, or run the demo in a clone."
    )
