"""The built files of the dashboard: their version is part of their address, so they are kept for a year."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DIST", "Assets"]

log = logging.getLogger(__name__)

DIST = Path(__file__).parents[1] / "static" / "dist"


@dataclass(frozen=True)
class Assets:
    """Addresses of the built files. Not built, pages work, without looks or liveliness."""

    version: str
    built: bool

    @classmethod
    def read(cls, folder: Path = DIST) -> Assets:
        files = sorted(folder.glob("*.*")) if folder.is_dir() else []
        if not (folder / "main.js").exists():
            folder.mkdir(parents=True, exist_ok=True)
            log.warning("the dashboard's files are not built; run: python -m autoloop.web.layout.build")
            return cls("none", False)
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + file.read_bytes())
        return cls(digest.hexdigest()[:12], True)

    def url(self, name: str) -> str:
        return f"/static/{self.version}/{name}"
