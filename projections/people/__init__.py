"""People with their names and the orders of rights for them: lists and inboxes (Noark 5: 4.3.1, 4.5.29)."""

from projections.people.write import DDL, FAIL_CLOSED, NAME, TABLES, VERSION, apply

__all__ = ["DDL", "FAIL_CLOSED", "NAME", "TABLES", "VERSION", "apply"]
