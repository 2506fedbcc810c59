"""Every past act judged again by the rules and rights of its own time: what should have been impossible is named.

`judge` reads a whole log; `Finding` says where something stands that no handler of ours would have written.
"""

from projections.audit.judge import Finding, judge

__all__ = ["Finding", "judge"]
