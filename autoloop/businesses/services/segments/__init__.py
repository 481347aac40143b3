"""The verbs of segments, and how their members are kept."""

from autoloop.businesses.services.segments.members import member_ids

__all__ = ["member_ids"]
