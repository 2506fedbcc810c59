"""After a restore, a failover or an accident: what has this ledger lost, and may it be written?

The ledger is stopped first and looked at then; the stop is taken back only where nothing that the signer remembers is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg import sql

from api import upkeep
from api.installation import Installation
from domain.ledger import monotone, restore_compare, selfcheck, tenants
from domain.ledger.mirror_tail import place_of, read_tail
from domain.ledger.mirror_target import Inside, Target
from domain.ledger.restore_compare import Files, Losses
from domain.ledger.tenants import Chain


@dataclass(frozen=True, slots=True)
class Aftermath:
    """One municipality: what verification found wrong, what each chain has lost, files, and why its records are read-only."""

    tenant: str
    faults: list[str]
    losses: list[Losses]
    files: Files
    unknown: list[str]
    read_only: str

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong and nothing is lost, as far as anybody knows."""
        return not self.faults and not self.unknown and self.files.whole and all(one.whole for one in self.losses)

    def as_json(self) -> dict[str, Any]:
        """For a machine: positions, ids, topics, and instants in microseconds since 1970."""
        return {
            "tenant": self.tenant,
            "whole": self.whole,
            "read_only": self.read_only,
            "faults": self.faults,
            "unknown_chains": self.unknown,
            "chains": [_losses(one) for one in self.losses],
            "files": {
                "absent": [{"position": at, "object": str(name)} for at, name in self.files.absent],
                "damaged": [{"position": at, "object": str(name)} for at, name in self.files.damaged],
                "extra": self.files.extra,
            },
        }


def _losses(one: Losses) -> dict[str, Any]:
    return {
        "chain_id": one.chain_id,
        "position": one.position,
        "signed": one.signed,
        "mirrored": one.mirrored,
        "another": one.another,
        "events": [
            {
                "position": lost.position,
                "topic": lost.topic,
                "unit": str(lost.stream) if lost.stream else None,
                "recorded_at_us": lost.recorded_at_us,
                "leaf_hash": lost.leaf_hash,
                "signed": lost.signed,
            }
            for lost in one.events
        ],
        "receipts": [{"position": position, "size": size} for position, size in one.receipts],
    }


def examine(opened: Installation, tenant: str, reason: str) -> Aftermath:
    """Hold a municipality's ledger against all that lies outside its database. reason: why it may have lost something.

    Raises Unfit, TargetFault where the mirror cannot be read, StoreFault where the signer's memory is damaged: it stays stopped.
    """
    mirror = upkeep.target(opened, tenant)
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as owner:
        known = tenants.chains(owner, tenant)
        rows = [one for one in known if _is_record(one.chain_id)]
        restore_compare.stop(owner, rows[-1], reason)
        with psycopg.connect(opened.role_dsn(tenant, "auditor"), autocommit=True) as connection:
            reports = selfcheck.check(connection, tenant)
            faults = [
                f"{one.chain_id}: {fault.what}" for one in reports for fault in one.faults if not _is_stop(fault.what, reason)
            ]
            ended = upkeep.accepted(connection, tenant)
            losses = [_compare(connection, opened, one, mirror) for one in known if one.chain_id not in ended]
            files = restore_compare.compare_files(connection, rows, opened.blobs(tenant))
        unknown = _unknown(opened, {one.chain_id for one in known})
        # what an access log has lost is told, and stops that log (its signer refuses it), never the records
        records = all(one.whole for one in losses if _is_record(one.chain_id))
        if not faults and not any(map(_is_record, unknown)) and records:
            restore_compare.release(owner, rows[-1], reason)
        stops = _stops(owner, rows[-1])
    return Aftermath(tenant, faults, losses, files, unknown, stops[0] if stops else "")


def _is_record(chain_id: str) -> bool:
    return "/record/" in chain_id


def _is_stop(what: str, reason: str) -> bool:
    return what.endswith(reason)


def _stops(connection: psycopg.Connection[Any], row: Chain) -> list[str]:
    query = sql.SQL("select reason from {}").format(sql.Identifier(row.schema, "ledger_stop"))
    return [str(one[0]) for one in connection.execute(query)]


def _compare(connection: psycopg.Connection[Any], opened: Installation, row: Chain, mirror: Target | None) -> Losses:
    memory = monotone.recall(opened.settings.signer_folder, row.chain_id)
    place = Inside(mirror, place_of(row.chain_id)) if mirror is not None else None
    if place is not None and read_tail(place) is None:
        place = None
    return restore_compare.compare(connection, row, memory, place)


def _unknown(opened: Installation, known: set[str]) -> list[str]:
    """Chains of this municipality that the signer has a key for, and this database has not: they were opened afterwards."""
    folder = opened.settings.signer_folder
    signed = {unquote(path.name) for path in folder.iterdir() if (path / "key").is_file()} if folder.is_dir() else set[str]()
    domains = {one.partition("/")[0] for one in known}
    return sorted(one for one in signed - known if one.partition("/")[0] in domains)
