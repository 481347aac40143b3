"""Files of templates inside a document: their octets in base64, proved by their SHA-256."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.mail.templates.carrying import TemplateFiles
from autoloop.mail.templates.files import CannotTakeError

__all__ = ["MOST_OCTETS", "EnclosedFile", "Room", "read_files", "written_files"]

MOST_OCTETS = 5_000_000
MOST_FILES = 200
FIELDS = frozenset({"name", "size", "sha256", "cid", "data"})


@dataclass(slots=True)
class Room:
    """How many octets of files a document may still hold."""

    left: int = MOST_OCTETS

    def take(self, size: int) -> bool:
        """Take this many, if there is room for all of them."""
        fits = size <= self.left
        self.left -= size if fits else 0
        return fits


@dataclass(frozen=True, slots=True)
class EnclosedFile:
    """A file that came in a document. `cid` is what the HTML calls the picture."""

    name: str
    body: bytes
    cid: str | None


def written_files(
    carrying: TemplateFiles, files: Sequence[Mapping[str, Any]], room: Room
) -> list[dict[str, Any]]:
    """The files as a document holds them: {"name", "size", "sha256", "cid", "data"}; without `data` where there
    is no room left."""
    taken = [each for each in files if room.take(each["size"])]
    bodies = carrying.bodies(taken)
    return [
        {"name": each["name"], "size": each["size"], "sha256": each["hash"]}
        | ({"cid": each["cid"]} if each["cid"] else {})
        | ({"data": base64.b64encode(bodies[each["hash"]]).decode()} if each in taken else {})
        for each in files
    ]


def read_files(given: Any) -> tuple[list[EnclosedFile], list[str]]:
    """The files of a document, and the names of those whose octets it does not hold. Raises Invalid."""
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise Invalid(details={"files": [_("A list of at most 200 files.")]})
    found: list[EnclosedFile] = []
    absent: list[str] = []
    room = Room()
    for index, each in enumerate(given):
        if isinstance(each, str):  # as documents were written once
            absent.append(each[:150])
            continue
        try:
            file = _file(each)
        except CannotTakeError as error:
            raise Invalid(details={f"files.{index}": [str(error)]}) from None
        if file is None:
            absent.append(str(each["name"])[:150])
        elif room.take(len(file.body)):
            found.append(file)
        else:
            raise Invalid(details={"files": [_("Files of more than 5 MB.")]})
    return found, absent


def _file(each: Any) -> EnclosedFile | None:
    if not isinstance(each, Mapping) or not isinstance(each.get("name"), str) or each.keys() - FIELDS:
        raise CannotTakeError("A file is an object with name, sha256, size, data and, for a picture, cid.")
    data, cid, digest = each.get("data"), each.get("cid"), each.get("sha256")
    if data is None:
        return None
    if not isinstance(data, str) or not isinstance(digest, str) or not isinstance(cid, str | None):
        raise CannotTakeError("“data”, “sha256” and “cid” are texts.")
    try:
        body = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise CannotTakeError("“data” is no base64.") from None
    if hashlib.sha256(body).hexdigest() != digest.lower():
        raise CannotTakeError("“data” is not what “sha256” says: the file was changed or cut off.")
    return EnclosedFile(each["name"], body, cid)
