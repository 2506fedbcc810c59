"""From the setting to the mirror: a folder, or `s3://bucket/prefix`."""

from __future__ import annotations

from pathlib import Path

from domain.ledger.clock import Clock
from domain.ledger.mirror_s3 import Access, BucketTarget
from domain.ledger.mirror_target import FolderTarget, Target, TargetFault

S3 = "s3://"


def open_target(place: str, access: Access, clock: Clock) -> Target:
    """The mirror at a place. access: used for a bucket alone. Raises TargetFault where the place cannot be one."""
    if not place.startswith(S3):
        return FolderTarget(Path(place))
    bucket, _, prefix = place.removeprefix(S3).partition("/")
    if not bucket or not access.key_id or not access.secret:
        raise TargetFault(
            f"the bucket in {place!r} cannot be opened: its name or the key to it is missing",
            hint="Set DAGBOK_MIRROR_KEY_ID and DAGBOK_MIRROR_SECRET.",
        )
    return BucketTarget(access, bucket, prefix, clock)
