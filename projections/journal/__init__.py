"""The running journal: cases, entries and documents as they are now, searchable (Noark 5.2.1, 5.2.2)."""

from projections.journal.write import DDL, FAIL_CLOSED, NAME, TABLES, VERSION, apply

__all__ = ["DDL", "FAIL_CLOSED", "NAME", "TABLES", "VERSION", "apply"]
