"""The verbs of segments, and how their members are kept."""

from autoloop.businesses.services.segments.keeping import KIND
from autoloop.businesses.services.segments.members import existing_segments, member_ids
from autoloop.businesses.services.segments.segments import Segments

__all__ = ["KIND", "Segments", "existing_segments", "member_ids"]
