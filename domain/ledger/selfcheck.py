"""`dagbok verify` on the database: every column of every row of a tenant's chains, and what follows from them, checked.

Proof begins with a checkpoint held outside (ADR 0004): without one, a cut or wholly rewritten ledger looks like this one, and
the report says so under `unprovable`. Reads in one snapshot, so that writing may go on. Memory does not grow with the ledger, but
for some 200 bytes a kept checkpoint, 16 a run of bodies that are gone and 0.13 an event (`tiles.Growth`).

Two short cuts, neither of which may hide a fault: many events are read by several processes, and what was verified before need
not be read again. Where either finds anything that is not as it must be, its answer is thrown away and all is read in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import derived as derivation
from domain.ledger import tenants, verified, witness
from domain.ledger.chaincheck import UNREADABLE, ChainCheck, Held, readable
from domain.ledger.chainreport import ChainReport, as_json, in_order, report_of
from domain.ledger.clock import Clock
from domain.ledger.derived import Derived
from domain.ledger.multiset import Multiset
from domain.ledger.ranges import Unusual, Workers
from domain.ledger.streams import LastVersions, Streams
from domain.ledger.tenants import Chain
from domain.ledger.verified import Verified
from domain.ledger.walk import Findings
from domain.model.chain_log import ChainOpened

__all__ = ["ChainReport", "Memory", "as_json", "check", "inspect"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Where a run that found no fault is remembered (`verified`), and the clock that dates it.

    use: whether to begin where the last one ended. Then every table but the events is checked as in a whole run, and of the
    events those that came since; of the older ones, how many there are, the last one's chain hash, the tree that tiles and leaf
    hashes give, and which bodies are gone. The digest of all claims has to be the remembered one with what new facts did to it.
    """

    signer_dir: Path
    clock: Clock
    use: bool = False


def check(
    connection: psycopg.Connection[Any],
    tenant: str,
    checkpoints: Sequence[str] = (),
    vkeys: Sequence[str] = (),
    memory: Memory | None = None,
    workers: Workers | None = None,
) -> list[ChainReport]:
    """Verify a tenant's chains, oldest first. connection: autocommit, of a role that reads all tables (auditor, reader).

    checkpoints: signed notes held outside, matched by origin; vkeys: keys of logs and witnesses known otherwise.
    Raises ChainError where one of these cannot be read, psycopg.Error where the database cannot, OSError where the disk is full.
    """
    held, keys = _held(checkpoints), witness.log_keys(vkeys)
    before = verified.recall(memory.signer_dir, tenant) if memory is not None and memory.use else None
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        run = _Tenant(connection, tenant, held, keys, before, workers, memory)
        reports = run.run(vkeys)
        # what a short cut finds is named as it always is: by one process that reads all
        for shared in (workers, None) if before and workers else (None,):
            if all(one.ok for one in reports) or not run.short:
                break
            run = _Tenant(connection, tenant, held, keys, None, shared, memory)
            reports = run.run(vkeys)
        remembered = run.verified(memory.clock.now()) if memory is not None and all(one.ok for one in reports) else None
    if memory is not None and remembered is not None:
        try:
            verified.remember(memory.signer_dir, tenant, remembered)
        except OSError as problem:  # the verdict stands
            reports[-1].unprovable.append(f"the next run cannot begin where this one ends: {problem}")
    return reports


def inspect(
    connection: psycopg.Connection[Any],
    tenant: str,
    checkpoints: Sequence[str] = (),
    vkeys: Sequence[str] = (),
    memory: Memory | None = None,
) -> list[ChainReport]:
    """`check` inside the caller's transaction, which sees what it has written itself: all, by one process; not remembered."""
    return _Tenant(connection, tenant, _held(checkpoints), witness.log_keys(vkeys), memory=memory).run(vkeys)


def _held(checkpoints: Sequence[str]) -> list[Held]:
    return [Held(note, chain.parse_checkpoint(note.text)) for note in map(chain.parse_note, checkpoints)]


class _Tenant:
    """The chains together: what spans them is `ledger_chain`, predecessors, streams, claims and counters."""

    def __init__(
        self, connection: psycopg.Connection[Any], tenant: str, held: Sequence[Held], keys: witness.LogKeys,
        since: Verified | None = None, workers: Workers | None = None, memory: Memory | None = None,
    ) -> None:  # fmt: skip
        self.connection, self.tenant, self.held, self.keys = connection, tenant, held, keys
        self.since, self.workers = since, workers
        self.findings = Findings()
        self.checks: list[ChainCheck] = []
        self.derived = Derived()
        self.signer_dir = memory.signer_dir if memory is not None else None
        self.claims = Multiset() if memory is not None or since is not None else None

    @property
    def short(self) -> bool:
        """Whether a short cut was taken: then a fault is named by another run, without it."""
        return self.since is not None or any(one.shared for one in self.checks)

    def run(self, vkeys: Sequence[str]) -> list[ChainReport]:
        self.rows: list[Chain] = []
        try:
            self._find()
            if self.checks:
                self._check(vkeys)
        except Unusual as problem:
            self.findings.add(str(problem), 1)
        except psycopg.errors.InsufficientPrivilege:
            raise
        except (psycopg.ProgrammingError, psycopg.DataError) as problem:  # a column of another type, or none
            self.findings.add(f"the tables are not those of a ledger: {problem.diag.message_primary or problem}", 1)
        return self._reports(self.rows)

    def _find(self) -> None:
        with self._readable("ledger_chain"):
            self.rows = tenants.chains(self.connection, self.tenant)
        present = self._schemas()
        for row in self.rows:
            if row.schema in present:
                self._begin(row)
            else:
                self.findings.add(f"ledger_chain names the schema {row.schema}, which holds no chain", 1)
        for schema in sorted(present - {row.schema for row in self.rows}):
            self.findings.add(f"the schema {schema} holds a chain that ledger_chain does not name", 1)
        if self.since is not None and self.since.chains.keys() - {one.chain_id for one in self.checks}:
            self.findings.add("a chain that was verified before is not here", 1)

    def _check(self, vkeys: Sequence[str]) -> None:
        with self._readable("ledger_chain"):
            self._check_rows(vkeys)
        self._read()
        with self._readable("ledger_claim or ledger_counter"):
            self._check_derived()
        for one in self.checks:
            self._give_up(one)
        for one in self.checks:
            one.tables()
            with self._readable("ledger_chain_predecessor"):
                self._check_predecessors(one)

    def _readable(self, table: str) -> AbstractContextManager[None]:
        return readable(self.findings, table, max((one.events for one in self.checks), default=0))

    def verified(self, at: datetime) -> Verified:
        """What to remember of a run without a fault."""
        assert self.claims is not None
        counters = derivation.stored_counters(self.connection, self.tenant)
        chains = {one.chain_id: one.verified() for one in self.checks}
        whole_at = self.since.whole_at if self.since is not None else at.isoformat()
        return Verified(at.isoformat(), whole_at, chains, self.claims.encode(), counters)

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
        since = self.since.chains.get(chain_id) if self.since is not None else None
        self.checks.append(ChainCheck(self.connection, row, chain_id, opened, held, self.keys, since, self.signer_dir))

    def _record_checks(self) -> list[ChainCheck]:
        return [one for one in self.checks if "/record/" in one.chain_id]

    def _read(self) -> None:
        known = {one.chain_id for one in self.checks}
        for one in self.checks:
            for predecessor, note in one.opened.predecessors if one.opened is not None else ():
                self._stop_at(predecessor, note)
        records = self._record_checks()
        self.derived = Derived([one.chain_id for one in records])
        shared = Streams(deferred=self.since is not None)
        for one in self.checks:
            outside = one.opened is not None and any(name not in known for name, _ in one.opened.predecessors)
            is_record = one in records
            streams = shared if is_record else Streams(deferred=self.since is not None)
            with readable(one.findings, "event or ledger_checkpoint", 1):
                one.read(streams, self.derived if is_record else None, outside, self.workers)
            if not is_record:
                self._follow(streams, [one])
        self._follow(shared, records)

    def _follow(self, streams: Streams, checks: Sequence[ChainCheck]) -> None:
        """Hold the windows of streams against one another, and against what was verified before."""
        by_id = {one.chain_id: one for one in checks}
        for found in streams.breaks(self._last_versions(checks) if self.since is not None else None):
            by_id[found.window.chain_id].name_break(found)

    def _last_versions(self, checks: Sequence[ChainCheck]) -> LastVersions:
        def last(streams: Sequence[bytes]) -> dict[bytes, int]:
            found: dict[bytes, int] = {}
            for one in checks:
                if one.since is not None:
                    for at in range(0, len(streams), 500):
                        some = [stream.hex() for stream in streams[at : at + 500]]
                        rows = one.ask(
                            "select originator_id, max(originator_version) from {event}"
                            " where originator_id = any(%s::uuid[]) and position <= %s group by 1",
                            some,
                            one.since.size,
                        )
                        found |= {stream.bytes: max(int(version), found.get(stream.bytes, 0)) for stream, version in rows}
            return found

        return last

    def _give_up(self, one: ChainCheck) -> None:
        for lost in one.lost:
            for other in self.checks:
                if other.chain_id == lost.chain_id and other is not one and len(set(lost.people)) > 1:
                    other.given_up = lost

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
            one.witnesses = {name for name, kind, _ in given if kind == chain.COSIGNATURE_V1}
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
        whole = 1, max(1, open_chain.events)
        if self.since is not None:
            if not self._carry_on(self.since):
                open_chain.findings.add("claims or counters are not what was verified before and came since", interval=whole)
            return
        for held, what in derivation.compare(self.connection, self.tenant, self.derived, self.claims):
            if held is not None:
                by_id[held.chain_id].findings.add(what, held.position)
            else:
                open_chain.findings.add(what, interval=whole)

    def _carry_on(self, since: Verified) -> bool:
        """Whether the tables of claims and counters are those verified before, with what the new facts did to them."""
        stored = Multiset()
        self.claims = Multiset.decode(since.claims)
        derivation.stored_claims(self.connection, self.tenant, stored).clear()
        given = {series: value for series, (value, _) in self.derived.counters.items()}
        counters = {series: max(given.get(series, 0), since.counters.get(series, 0)) for series in {*given, *since.counters}}
        same = counters == derivation.stored_counters(self.connection, self.tenant)
        return self.derived.changes(self.claims) and self.claims.value == stored.value and same

    def _reports(self, rows: Sequence[Chain]) -> list[ChainReport]:
        unmatched = {one.checkpoint.origin for one in self.held} - {one.chain_id for one in self.checks}
        for origin in sorted(unmatched):
            self.findings.add(f"a checkpoint held outside is of {origin}, and no such chain is here", 1)
        if not rows:
            self.findings.add("ledger_chain names no chain", 1)
        reports = [report_of(one) for one in self.checks]
        if self.findings.faults:  # of the tenant as a whole: they stand with the chain that is open
            last = reports.pop() if reports else ChainReport(False, "", 0, "", "", None, [], [], 0)
            faults = [*last.faults, *self.findings.faults]
            fields = {name: getattr(last, name) for name in ChainReport.__dataclass_fields__}
            reports.append(ChainReport(**{**fields, "ok": False, "faults": list(in_order(faults))}))
        return reports


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
    try:
        return _identify(row, first) if first is not None else (_usable(row.chain_id), None)
    except UNREADABLE:  # a value that no column can hold: named where the events are read
        return _usable(row.chain_id), None


def _identify(row: Chain, first: tuple[Any, ...]) -> tuple[str, ChainOpened | None]:
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
