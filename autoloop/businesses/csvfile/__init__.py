"""CSV files as people really have them: what they are, their records, and what their columns mean."""

from autoloop.businesses.csvfile.columns import guess_mapping
from autoloop.businesses.csvfile.detect import Format, NotCsv, Probe, detect
from autoloop.businesses.csvfile.records import Record, Records

__all__ = ["Format", "NotCsv", "Probe", "Record", "Records", "detect", "guess_mapping"]
