"""Addresses: normalised for comparing, hashed for suppression, encoded for the envelope."""

from __future__ import annotations

import hashlib
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from autoloop.base.errors import Invalid

__all__ = [
    "EVERYWHERE",
    "address_hash",
    "ascii_domain",
    "checked_address",
    "checked_target",
    "domain_of",
    "envelope_address",
    "normalised",
    "reasons_sql",
]

# The same digest in SQL, so that a statement can look suppressions up by itself.
HASH_SQL = "sha256(uuid_send({workspace}) || convert_to(lower({address}), 'UTF8'))"


# What the installation itself suppresses is hashed with this in a workspace's place.
EVERYWHERE = UUID(int=0)


def reasons_sql(workspace: str, address: str) -> str:
    """SQL: the reasons why this address must not be mailed, as an array; null if there are none.

    Looks for the address and for its domain (`@example.org`), in the workspace and in the installation.
    """
    domain = f"'@' || substring({address} from '[^@]*$')"
    here, there = (
        f"{HASH_SQL.format(workspace=owner, address=address)}, {HASH_SQL.format(workspace=owner, address=domain)}"
        for owner in (workspace, f"'{EVERYWHERE}'::uuid")
    )
    return f"""(select array_agg(found.reason) from (
    select x.reason from suppressions x where x.workspace_id = {workspace} and x.address_hash in ({here})
    union select 'instance' from instance_suppressions y where y.address_hash in ({there})) found)"""


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


def checked_target(given: str, field: str = "address") -> str:
    """An address, or a domain written as `@example.org` or `example.org`. Raises Invalid naming the field."""
    given = given.strip()
    if "@" in given.lstrip("@"):
        return checked_address(given, field)
    return "@" + checked_address(f"x@{given.lstrip('@')}", field).partition("@")[2].lower()


def ascii_domain(domain: str) -> str:
    """The domain as the DNS and the envelope have it (IDNA 2008). Raises ValueError."""
    return envelope_address(f"x@{domain}").partition("@")[2]


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
