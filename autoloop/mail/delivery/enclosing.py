"""Files of template versions, read and encoded once per version and process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from autoloop.mail.enclosures import Enclosed, content_id, encoded
from autoloop.mail.models import EmailTemplateVersion, TemplateFile

__all__ = ["MOST_OCTETS", "enclosed_of", "weight"]

MOST_OCTETS = 64_000_000  # of encoded files that one process keeps for mail to come


def enclosed_of(session: Session, versions: Iterable[EmailTemplateVersion]) -> None:
    """Give each version that has files their parts, as `enclosed`. One statement, none without files.

    Where a file is gone the version gets none, and its mail does not go.
    """
    carrying = [version for version in versions if version.files]
    if not carrying:
        return
    wanted = {(each.workspace_id, bytes.fromhex(file["hash"])) for each in carrying for file in each.files}
    rows = session.execute(
        select(TemplateFile.workspace_id, TemplateFile.hash, TemplateFile.body).where(
            tuple_(TemplateFile.workspace_id, TemplateFile.hash).in_(wanted)
        )
    )
    bodies = {(workspace, digest.hex()): body for workspace, digest, body in rows}
    for version in carrying:
        if any((version.workspace_id, file["hash"]) not in bodies for file in version.files):
            continue
        shown, beside = [], []
        for file in version.files:
            body = bodies[(version.workspace_id, file["hash"])]
            id = content_id(file["cid"], file["hash"]) if file["cid"] else ""
            if id in version.compiled.get("shown", {}):
                shown.append(encoded(file["name"], file["kind"], body, id))
            else:
                beside.append(encoded(file["name"], file["kind"], body))
        version.enclosed = Enclosed(shown, beside)  # type: ignore[misc]


def weight(version: Any) -> int:
    """How many octets of files a version keeps in memory."""
    return version.enclosed.size if version.enclosed is not None else 0
