"""Imports: from a file's bytes to rows, by anyone who holds the lease, from the last row committed."""

from autoloop.businesses.services.imports.imports import Imports
from autoloop.businesses.services.imports.work import KIND, work

__all__ = ["KIND", "Imports", "work"]
