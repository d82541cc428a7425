"""Municipality codes: as text, carried from the municipalities of any day to those of any other."""

from diagnosis.codes.alignment import METHODS, VINTAGE_DAYS, carry, changes, format_codes, link_codes

__all__ = ["METHODS", "VINTAGE_DAYS", "carry", "changes", "format_codes", "link_codes"]
