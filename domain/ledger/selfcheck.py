"""`dagbok verify` on the database: every column of every row of a tenant's chains, and what follows from them, checked.

Proof begins with a checkpoint held outside (ADR 0004): without one, a cut or wholly rewritten ledger looks like this one, and
the report says so under `unprovable`. Reads in one snapshot, so that writing may go on. Memory: claims, and a pair a stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import derived as derivation
from domain.ledger import tenants, witness
from domain.ledger.chaincheck import ChainCheck, Held
from domain.ledger.derived import Derived
from domain.ledger.tenants import Chain
from domain.ledger.walk import Fault, Findings
from domain.model.chain_log import ChainOpened


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found in one chain: `events` read, `head` (chain hash) and `root` over them in hex, `erased` bodies destroyed by
    decision. checkpoint: {size, ok, outside} of the latest held outside, else of the latest kept; None where there is none."""

    ok: bool
    chain_id: str
    events: int
    head: str
    root: str
    checkpoint: dict[str, Any] | None
    unprovable: list[str]
    faults: list[Fault]
    erased: int

    def as_json(self) -> dict[str, Any]:
        """The fields of `verify --json` (DESIGN §9)."""
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "root": self.root,
            "checkpoint": self.checkpoint,
            "unprovable": self.unprovable,
            "faults": [{"position": one.position, "what": one.what, "interval": one.interval} for one in self.faults],
            "erased": self.erased,
        }


def as_json(reports: Sequence[ChainReport]) -> dict[str, Any]:
    """All chains: the open record chain's fields on top (it is the last record chain), `ok` of all together."""
    opened = [one for one in reports if "/record/" in one.chain_id] or list(reports)
    chains = [{"chain_id": one.chain_id, **one.as_json()} for one in reports]
    return {**opened[-1].as_json(), "ok": all(one.ok for one in reports), "chains": chains}


def check(
    connection: psycopg.Connection[Any], tenant: str, checkpoints: Sequence[str] = (), vkeys: Sequence[str] = ()
) -> list[ChainReport]:
    """Verify a tenant's chains, oldest first. connection: autocommit, of a role that reads all tables (auditor, reader).

    checkpoints: signed notes held outside, matched by origin; vkeys: keys of logs and witnesses known otherwise.
    Raises ChainError where one of these cannot be read, psycopg.Error where the database cannot.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        return inspect(connection, tenant, checkpoints, vkeys)


def inspect(
    connection: psycopg.Connection[Any], tenant: str, checkpoints: Sequence[str] = (), vkeys: Sequence[str] = ()
) -> list[ChainReport]:
    """`check` inside the caller's transaction, which sees what it has written itself."""
    held = [Held(note, chain.parse_checkpoint(note.text)) for note in map(chain.parse_note, checkpoints)]
    return _Tenant(connection, tenant, held, witness.log_keys(vkeys)).run(vkeys)


class _Tenant:
    """The chains together: what spans them is `ledger_chain`, predecessors, streams, claims and counters."""

    def __init__(self, connection: psycopg.Connection[Any], tenant: str, held: Sequence[Held], keys: witness.LogKeys) -> None:
        self.connection, self.tenant, self.held, self.keys = connection, tenant, held, keys
        self.findings = Findings()
        self.checks: list[ChainCheck] = []

    def run(self, vkeys: Sequence[str]) -> list[ChainReport]:
        rows = tenants.chains(self.connection, self.tenant)
        present = self._schemas()
        for row in rows:
            if row.schema in present:
                self._begin(row)
            else:
                self.findings.add(f"ledger_chain names the schema {row.schema}, which holds no chain", 1)
        for schema in sorted(present - {row.schema for row in rows}):
            self.findings.add(f"the schema {schema} holds a chain that ledger_chain does not name", 1)
        if self.checks:
            self._check_rows(vkeys)
            self._read()
            self._check_derived()
            for one in self.checks:
                one.tables()
                self._check_predecessors(one)
        return self._reports(rows)

    def _schemas(self) -> set[str]:
        rows = self.connection.execute(
            "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = 'ledger_head'"
            " and (n.nspname = %s or n.nspname ~ %s)",
            (self.tenant, f"^{self.tenant}_(record|access)_[0-9]+$"),
        )
        return {str(row[0]) for row in rows}

    def _begin(self, row: Chain) -> None:
        chain_id, opened = _identity(self.connection, row)
        held = [one for one in self.held if one.checkpoint.origin == chain_id]
        self.checks.append(ChainCheck(self.connection, row, chain_id, opened, held, self.keys))

    def _record_checks(self) -> list[ChainCheck]:
        return [one for one in self.checks if "/record/" in one.chain_id]

    def _read(self) -> None:
        known = {one.chain_id for one in self.checks}
        self.derived, versions = Derived(), dict[bytes, int]()
        for one in self.checks:
            for predecessor, note in one.opened.predecessors if one.opened is not None else ():
                self._stop_at(predecessor, note)
        for one in self.checks:
            is_record = one in self._record_checks()
            outside = one.opened is not None and any(name not in known for name, _ in one.opened.predecessors)
            one.read(versions if is_record else {}, self.derived if is_record else None, outside)

    def _stop_at(self, predecessor: str, note: str) -> None:
        for one in self.checks:
            if one.chain_id == predecessor and note:
                with suppress(chain.ChainError):  # named where the predecessor is checked
                    one.stops.add(chain.parse_checkpoint(chain.parse_note(note).text).size)

    def _check_rows(self, vkeys: Sequence[str]) -> None:
        """ledger_chain against the opening facts and the rule of names (CONTRACT §1); keys against those given."""
        quoted = [name for one in self.checks if one.opened is not None for name, _ in one.opened.predecessors]
        given = [chain.parse_vkey(line.strip()) for line in vkeys]
        for one in self.checks:
            row, fault = one.row, one.findings.add
            if one.chain_id != row.chain_id or (one.opened is not None and one.opened.chain_id != row.chain_id):
                fault(f"ledger_chain calls the chain {row.chain_id}", 1)
            if row.schema != _schema_name(self.tenant, one.chain_id, row.number):
                fault(f"ledger_chain has number {row.number} with the schema {row.schema}", 1)
            if one.opened is not None and one.opened.number != row.number and one.chain_id not in quoted:
                fault(f"ledger_chain has number {row.number} for the chain opened as {one.opened.number}", 1)
            mine = [key for key in given if key[0] == one.chain_id]
            if mine and (one.opened is None or one.opened.vkey not in {chain.vkey(*key) for key in mine}):
                fault("the chain was opened for a key that is not one of those given", 1)
        order = [quoted.index(one.chain_id) for one in self.checks if one.chain_id in quoted]
        if order != sorted(order):
            self.findings.add("ledger_chain has the predecessors in another order than they were named", 1)

    def _check_predecessors(self, one: ChainCheck) -> None:
        query = sql.SQL("select predecessor, checkpoint from {} where chain_id = %s")
        stored = self.connection.execute(
            query.format(sql.Identifier(self.tenant, "ledger_chain_predecessor")), (one.row.chain_id,)
        ).fetchall()
        named = [tuple(pair) for pair in one.opened.predecessors] if one.opened is not None else []
        if sorted(stored) != sorted(named):
            one.findings.add("ledger_chain_predecessor is not what the opening fact names", 1)
        for name, note in named:
            before = next((other for other in self.checks if other.chain_id == name), None)
            if before is None or not note:
                why = "no checkpoint of it was kept" if before else "it is not here"
                one.unprovable.append(f"the predecessor {name}: {why}")
                continue
            try:
                checkpoint = chain.parse_checkpoint(chain.parse_note(note).text)
            except chain.ChainError as problem:
                one.findings.add(f"the checkpoint of the predecessor {name} cannot be read: {problem}", 1)
                continue
            before.compare_root(checkpoint, "the checkpoint named by the next chain,")

    def _check_derived(self) -> None:
        by_id = {one.chain_id: one for one in self.checks}
        open_chain = (self._record_checks() or self.checks)[-1]
        for held, what in derivation.compare(self.connection, self.tenant, self.derived):
            if held is not None:
                by_id[held[1]].findings.add(what, held[2])
            else:
                open_chain.findings.add(what, interval=(1, max(1, open_chain.events)))

    def _reports(self, rows: Sequence[Chain]) -> list[ChainReport]:
        unmatched = {one.checkpoint.origin for one in self.held} - {one.chain_id for one in self.checks}
        for origin in sorted(unmatched):
            self.findings.add(f"a checkpoint held outside is of {origin}, and no such chain is here", 1)
        if not rows:
            self.findings.add("ledger_chain names no chain", 1)
        reports = [_report(one) for one in self.checks]
        if self.findings.faults:  # of the tenant as a whole: they stand with the chain that is open
            last = reports.pop() if reports else ChainReport(False, "", 0, "", "", None, [], [], 0)
            faults = [*last.faults, *self.findings.faults]
            fields = {name: getattr(last, name) for name in ChainReport.__dataclass_fields__}
            reports.append(ChainReport(**{**fields, "ok": False, "faults": list(_in_order(faults))}))
        return reports


def _report(one: ChainCheck) -> ChainReport:
    faults = list(_in_order(one.findings.faults))
    if one.findings.not_shown:
        faults.append(Fault(f"and {one.findings.not_shown} faults more"))
    latest = one.held[-1].checkpoint.size if one.held else max(one.signed, default=0)
    checkpoint = {"size": latest, "ok": not faults, "outside": bool(one.held)} if latest else None
    root = one.rows.frontier().root().hex()
    head, erased = one.walk.head.hex(), one.erasures.count
    return ChainReport(not faults, one.chain_id, one.events, head, root, checkpoint, one.unprovable, faults, erased)


def _in_order(faults: Sequence[Fault]) -> Iterator[Fault]:
    def place(fault: Fault) -> int:  # an interval by its end: a position that is known for certain comes before it
        return fault.position if fault.position is not None else fault.interval[1] if fault.interval else 1 << 63

    return iter(sorted(faults, key=place))


def _schema_name(tenant: str, chain_id: str, number: int) -> str:
    kind = "access" if "/access/" in chain_id else "record"
    return tenant if kind == "record" and number == 1 else f"{tenant}_{kind}_{number}"


def _identity(connection: psycopg.Connection[Any], row: Chain) -> tuple[str, ChainOpened | None]:
    """The chain_id that the first entry was hashed with, where ledger_chain and the opening fact do not agree, and the latter."""
    query = sql.SQL(
        "select recorded_at_us, originator_id, originator_version, topic, meta, meta_commit, body_commit, leaf_hash from {}"
        " where position = 1"
    )
    first = connection.execute(query.format(sql.Identifier(row.schema, "event"))).fetchone()
    if first is None:
        return _usable(row.chain_id), None
    recorded_at_us, stream, version, topic, meta, meta_commit, body_commit, leaf = first
    try:
        opened = catalogue.decode(str(topic), bytes(meta), None)[1]
    except catalogue.UnknownFact:
        opened = None
    opened = opened if isinstance(opened, ChainOpened) else None
    for chain_id in [row.chain_id, *([opened.chain_id] if opened is not None else [])]:
        commits = bytes(meta_commit), bytes(body_commit)
        entry = chain.Entry(chain_id, 1, recorded_at_us, stream.bytes, version, str(topic), *commits)
        try:
            if chain.leaf_hash(chain.encode_entry(entry)) == bytes(leaf):
                return chain_id, opened
        except chain.ChainError:
            continue
    return _usable(row.chain_id), opened


def _usable(chain_id: str) -> str:
    try:
        chain.entry_prefix(chain_id)
    except chain.ChainError:
        return "unknown"
    return chain_id
