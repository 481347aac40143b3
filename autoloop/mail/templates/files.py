"""Files of a template: which are taken, how they are called, and where the HTML shows them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from mimetypes import MimeTypes
from typing import Any

from autoloop.mail.compose import is_unsafe
from autoloop.mail.enclosures import content_id

__all__ = ["CannotTakeError", "described", "is_cid", "with_pictures"]

# No machine's own list: the same name is the same kind everywhere.
_KINDS = MimeTypes()
_PICTURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
# What large mailbox providers refuse, because it can be run.
_ENDINGS = (
    "ade adp apk app appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe "
    "gadget hta img inf ins iso isp jar jnlp js jse lib lnk mde mjs msc msi msix msixbundle msp mst nsh "
    "pif ps1 ps1xml psc1 psd1 psm1 reg scr sct sh shb shs svg sys url vb vbe vbs vhd vhdx vxd wsc wsf "
    "wsh xll xla xlam "
)
DANGEROUS = frozenset(_ENDINGS.split())
_RUNS = (
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_CID = re.compile(r"cid:([a-z0-9][a-z0-9._-]{0,59})(?![a-z0-9._@-])")
MAX_NAME = 150


class CannotTakeError(ValueError):
    """The file cannot be sent along; the text says why."""


def described(name: str, body: bytes, others: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """How a version lists a file: {"name", "kind", "size", "hash", "cid"}. Raises CannotTakeError.

    The kind follows from the name, never from what the browser says; `cid` is what the HTML calls a picture.
    """
    name = _name_of(name)
    if name.lower() in {each["name"].lower() for each in others}:
        raise CannotTakeError(
            f"There is a file “{name}” already. Remove it first, or give this one another name."
        )
    if not body:
        raise CannotTakeError(f"“{name}” is empty.")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in DANGEROUS or body.startswith(_RUNS) or (body[:2] == b"MZ" and b"PE\0\0" in body[:4096]):
        raise CannotTakeError(f"“{name}” is of a kind that can be run: mailbox providers refuse such mail.")
    kind = _KINDS.guess_type(f"x.{ending}")[0] or (
        "image/webp" if ending == "webp" else "application/octet-stream"
    )
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    picture = _PICTURES.get(kind)
    if picture is not None and not body.startswith(picture):
        raise CannotTakeError(f"“{name}” is called a picture, but holds none.")
    return {
        "name": name,
        "kind": kind,
        "size": len(body),
        "hash": hashlib.sha256(body).hexdigest(),
        "cid": _cid_of(name, {each["cid"] for each in others}) if picture is not None else None,
    }


def _name_of(given: str) -> str:
    if is_unsafe(given):
        raise CannotTakeError("The file's name holds line breaks or signs that nobody sees.")
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", given)[-1]).strip(" .")
    if not name or len(name) > MAX_NAME:
        raise CannotTakeError(f"A file needs a name of 1 to {MAX_NAME} characters.")
    return name


def is_cid(given: str) -> bool:
    """Whether the HTML can call a picture so."""
    return _CID.fullmatch(f"cid:{given}") is not None


def _cid_of(name: str, taken: Collection[str | None]) -> str:
    """The name in a to z, digits, dots and hyphens, and like no other of the template."""
    stem, _, ending = (
        unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode().rpartition(".")
    )
    stem = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40] or "picture"
    made, number = f"{stem}.{ending}", 2
    while made in taken:
        made, number = f"{stem}-{number}.{ending}", number + 1
    return made


def with_pictures(html: str, files: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, str]]:
    """The HTML with each `cid:name` as the Content-ID of its picture, and the hash of each that it shows.

    Names that no file has stay as they are.
    """
    known = {each["cid"]: each["hash"] for each in files if each["cid"]}
    if not known:
        return html, {}
    shown: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        digest = known.get(match[1])
        if digest is None:
            return match[0]
        id = content_id(match[1], digest)
        shown[id] = digest
        return f"cid:{id}"

    return _CID.sub(named, html), shown
