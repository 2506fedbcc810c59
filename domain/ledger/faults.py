"""How the ledger says no, or that it cannot."""

from __future__ import annotations

from uuid import UUID

from domain.model.errors import DagbokError


class LedgerError(DagbokError):
    """The ledger could not do what was asked."""

    code = "ledger"


class VersionConflict(LedgerError):
    """Another command changed a unit that this one had read; it is decided anew."""

    code = "conflict.version"

    def __init__(self, stream: UUID, expected: int, actual: int) -> None:
        self.stream, self.expected, self.actual = stream, expected, actual
        super().__init__(f"stream {stream}: expected version {expected}, found {actual}")


class ClaimTaken(LedgerError):
    """A key that the command claims belongs to another unit."""

    code = "conflict.claim"

    def __init__(self, kind: str, key: str, owner: UUID) -> None:
        self.kind, self.key, self.owner = kind, key, owner
        super().__init__(f"{kind} is taken by {owner}")


class StaleSubmission(LedgerError):
    """The command waited more than 5 s between decision and writing; it is decided anew."""

    code = "ledger.stale"


class Busy(LedgerError):
    """The ledger has more to write than it can take now. Try again in a moment."""

    code = "ledger.busy"
    retry_after_s = 2


class Unsettled(Busy):
    """The database was lost while this was being written: whether it is there will be known once the database is back."""

    code = "ledger.unsettled"
    hint = "Look whether it is there, or repeat it with the same idempotency key."
    retry_after_s = 30


class ClockFault(LedgerError):
    """The clocks disagree, so nothing is stamped or written. Reading goes on."""

    code = "ledger.clock"
    hint = "Compare the clocks of application and database servers with a time server; restart when they agree within 2 s."
    retry_after_s = 30


class StorageFull(LedgerError):
    """There is no room left on the disk, so nothing new is taken in. Reading goes on."""

    code = "storage.full"
    hint = "Make room on the disk; writing goes on by itself once there is."
    retry_after_s = 30


class StorageAway(LedgerError):
    """The disk does not take or give bytes now. Nothing was stored; reading goes on as far as the disk lets it."""

    code = "storage.away"
    hint = "See to the disk: it is read-only, damaged, out of reach, or the process has too many files open."
    retry_after_s = 30


class Unsafe(LedgerError):
    """The database is set so that an acknowledged event could be lost. Nothing is written."""

    code = "ledger.unsafe"


class Broken(LedgerError):
    """The chain in the database is not the one that was written. Nothing more is written; run `dagbok verify`."""

    code = "ledger.broken"


class Stopped(Broken):
    """The ledger is read-only, because it may have lost events (CONTRACT §3). Two people decide how it goes on."""

    code = "ledger.stopped"
    hint = "`dagbok ledger compare` lists what is lost, `dagbok log import --mirror` brings it back."
    retry_after_s = 300


class ChainIsClosed(LedgerError):
    """The chain was closed and another opened; the writer moves over to it."""

    code = "ledger.chain_closed"


class TooLarge(LedgerError):
    """One command writes 1 to 1 000 facts."""

    code = "ledger.too_large"
