"""Addresses: normalised for comparing, hashed for suppression, encoded for the envelope."""

from __future__ import annotations

import hashlib
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from autoloop.base.errors import Invalid

__all__ = ["address_hash", "checked_address", "domain_of", "envelope_address", "normalised"]

# The same digest in SQL, so that a statement can look suppressions up by itself.
HASH_SQL = "sha256(uuid_send({workspace}) || convert_to(lower({address}), 'UTF8'))"


def normalised(address: str) -> str:
    """How two spellings of one address are compared."""
    return address.strip().lower()


def address_hash(workspace_id: UUID, address: str) -> bytes:
    """SHA-256 of workspace and address: finds a suppressed address again after it was erased."""
    return hashlib.sha256(workspace_id.bytes + normalised(address).encode()).digest()


def domain_of(address: str) -> str:
    """The part after the last @, in lower case; empty if there is none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def checked_address(address: str, field: str = "address") -> str:
    """The address, tidied, if mail can go there. Raises Invalid naming the field."""
    try:
        return str(
            validate_email(address.strip(), check_deliverability=False, test_environment=True).normalized
        )
    except EmailNotValidError as error:
        raise Invalid(details={field: [str(error)]}) from None


def envelope_address(address: str) -> str:
    """The address as SMTP takes it: the domain in ASCII (IDNA 2008). Raises ValueError."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain):
        raise ValueError("the address has no @ between two parts")
    if domain.isascii():
        return f"{local}@{domain}"
    ascii_domain = validate_email(
        f"x@{domain}", check_deliverability=False, test_environment=True
    ).ascii_domain
    return f"{local}@{ascii_domain}"
