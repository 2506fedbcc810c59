"""Rows taken out, put in, exchanged; tails cut; chains written anew: found with a checkpoint held outside, and only then."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from psycopg import sql

from domain.ledger import selfcheck
from domain.ledger.selfcheck import ChainReport
from tests.fixtures_ledger import LedgerTenant
from tests.ledger.forging import Row, events, for_my_key, forge
from tests.ledger.tampering import SPANNING, Ledger, two_chains


@pytest.fixture
def ledger(ledger_tenant: LedgerTenant) -> Iterator[Ledger]:
    with two_chains(ledger_tenant) as built:
        assert all(report.ok for report in built.verify())
        yield built
        assert all(report.ok for report in built.verify())


Statement = tuple[str, sql.Composed, int | None]


def statement(what: str, schema: str, text: str, position: int | None = None, **names: str) -> Statement:
    tables = {"t": sql.Identifier(schema, names.pop("table", "event"))}
    return what, sql.SQL(text).format(**tables, **{name: sql.Literal(value) for name, value in names.items()}), position


def event_changes(ledger: Ledger, schema: str) -> Iterator[Statement]:
    """(what, statement, first position at fault) for every event."""
    last = len(events(ledger, schema))
    for at in range(1, last + 1):
        yield statement(f"{at} deleted", schema, f"delete from {{t}} where position = {at}", at)
        yield statement(
            f"{at}: body destroyed", schema, f"update {{t}} set body = null, body_salt = null where position = {at}", at
        )
        yield statement(f"{at}: body without salt", schema, f"update {{t}} set body_salt = null where position = {at}", at)
        yield statement(f"{at}: salt without body", schema, f"update {{t}} set body = null where position = {at}", at)
        copied = (
            f"insert into {{t}} select {last + 1}, originator_id, originator_version, topic, recorded_at_us, meta_salt, meta,"
        )
        columns = " meta_commit, body_salt, body, body_key, body_commit, leaf_hash, chain_hash from {t} where position = "
        yield statement(f"{at} written again at the end", schema, f"{copied}{columns}{at}", last + 1)
        yield statement(f"{at} twice", schema, f"{copied}{columns}{at}".replace(f"select {last + 1},", "select position,"), at)
    for at in range(1, last):
        swap = f"update {{t}} set position = {2 * at + 1} - position where position in ({at}, {at + 1})"
        yield statement(f"{at} and {at + 1} exchanged", schema, swap, at)
        metas = (
            f"update {{t}} a set meta = b.meta, meta_salt = b.meta_salt, meta_commit = b.meta_commit from {{t}} b"
            f" where a.position in ({at}, {at + 1}) and b.position = {2 * at + 1} - a.position"
        )
        yield statement(f"metas of {at} and {at + 1} exchanged", schema, metas, at)


def other_changes(ledger: Ledger) -> Iterator[Statement]:
    """Rows of every other table taken out, doubled, or made up."""
    tenant = ledger.one.tenant
    tables = [(schema, table) for schema in ledger.schemas() for table in ("ledger_head", "ledger_checkpoint")]
    for schema, table in [*tables, *((tenant, table) for table in SPANNING)]:
        for row in ledger.rows(schema, table):
            if table == "ledger_checkpoint" and row["size"] != max(one["size"] for one in ledger.rows(schema, table)):
                continue
            where = f"where ctid = '{row['row']}'::tid"
            yield statement(f"{table} {row['row']} deleted", schema, f"delete from {{t}} {where}", table=table)
    made_up = {
        "ledger_claim": f"('case-number', '2026/99', '{uuid.UUID(int=1)}')",
        "ledger_counter": "('case/2027', 1)",
        "ledger_chain": f"(3, 'x/record/3', '{tenant}_record_3')",
        "ledger_chain_predecessor": f"('{ledger.chain_of(tenant)}', 'x/record/1', '')",
    }
    for table, values in made_up.items():
        yield statement(f"{table} made up", tenant, f"insert into {{t}} values {values}", table=table)
    yield statement("tile made up", tenant, "insert into {t} values (0, 0, 'x')", table="ledger_tile")
    yield statement("stop made up", tenant, "insert into {t} values ('x')", table="ledger_stop")
    yield statement("receipt made up", tenant, "insert into {t} values (1, 2)", table="ledger_receipt")
    yield statement("checkpoint made up", tenant, "insert into {t} values (3, '', '')", table="ledger_checkpoint")
    exchange = "update {t} set chain_no = 3 - chain_no"
    yield statement("chains exchanged", tenant, exchange, table="ledger_chain")
    schemas = "update {t} a set schema = b.schema from {t} b where b.chain_no = 3 - a.chain_no"
    yield statement("schemas exchanged", tenant, schemas, table="ledger_chain")


def test_every_row_taken_out_put_in_or_exchanged(ledger: Ledger) -> None:
    made, wrong = 0, list[str]()
    per_event = [(schema, one) for schema in ledger.schemas() for one in event_changes(ledger, schema)]
    for schema, (what, text, position) in [*per_event, *((ledger.one.tenant, one) for one in other_changes(ledger))]:
        made += 1
        with ledger.changed(text) as reports:
            faults = [fault for report in reports for fault in report.faults]
            mine = [one for report in reports if report.chain_id == ledger.chain_of(schema) for one in report.faults]
            if not faults or any(one.position is None and one.interval is None for one in faults):
                wrong.append(f"{schema} {what}: {faults}")
            elif position is not None and (not mine or mine[0].position != position):
                wrong.append(f"{schema} {what}: first found {mine[:1]}")
    assert wrong == []
    assert made > 200


def of(ledger: Ledger, reports: list[ChainReport], schema: str) -> ChainReport:
    return next(report for report in reports if report.chain_id == ledger.chain_of(schema))


def test_every_cut_of_the_tail(ledger: Ledger) -> None:
    """Cut so cleanly that nothing inside tells: only the checkpoint held outside does."""
    schema = ledger.schemas()[1]
    notes, whole = ledger.notes, len(events(ledger, schema))
    for left in range(1, whole):
        with ledger.connection.transaction(force_rollback=True):
            forge(ledger, schema, lambda rows, left=left: rows[:left], key=None)  # type: ignore[misc]
            report = of(ledger, ledger.verify(), schema)
            assert report.faults[0].interval == (left + 1, whole)
            assert "events are missing" in report.faults[0].what
            ledger.notes = []
            report = of(ledger, ledger.verify(), schema)
            assert report.ok
            assert "a cut or rewritten ledger would look like this one" in report.unprovable[0]
            ledger.notes = notes


def altered(rows: list[Row], at: int) -> list[Row]:
    rows[at - 1]["body"] = rows[at - 1]["body"] + b" "
    return rows


def test_every_rewrite_signed_with_another_key(ledger: Ledger) -> None:
    """The whole chain computed anew after a change, and signed by the forger, whose key its opening fact names."""
    schema = ledger.schemas()[1]
    mine = for_my_key(ledger.chain_of(schema))
    notes, whole = ledger.notes, len(events(ledger, schema))
    for at in range(1, whole + 1):
        with ledger.connection.transaction(force_rollback=True):
            forge(ledger, schema, lambda rows, at=at: altered(mine(rows), at))  # type: ignore[misc]
            report = of(ledger, ledger.verify(), schema)
            assert not report.ok
            assert {fault.interval for fault in report.faults} == {(1, whole)}
            assert "not the history" in " ".join(fault.what for fault in report.faults)
            ledger.notes = []
            assert of(ledger, ledger.verify(), schema).ok  # the forgery holds together: nothing inside can tell
            ledger.notes = notes


def test_a_rewrite_is_enclosed_by_the_checkpoints_around_it(ledger: Ledger) -> None:
    """Two checkpoints are held of the first chain: what was changed between them lies in that interval."""
    schema = ledger.schemas()[0]
    small, large = (int(note.split("\n")[1]) for note in ledger.notes[:2])
    with ledger.connection.transaction(force_rollback=True):
        forge(ledger, schema, lambda rows: altered(rows, small + 1), key=None)
        report = of(ledger, ledger.verify(), schema)
        assert (small + 1, large) in {fault.interval for fault in report.faults}
        assert not any(
            fault.interval and fault.interval[0] <= small for fault in report.faults if "not the history" in fault.what
        )
    with ledger.connection.transaction(force_rollback=True):
        forge(ledger, schema, lambda rows: altered(rows, small), key=None)
        assert (1, small) in {fault.interval for fault in of(ledger, ledger.verify(), schema).faults}


def test_a_key_known_otherwise_finds_another_in_the_ledger(ledger: Ledger) -> None:
    schema = ledger.schemas()[1]
    (meta,) = ledger.connection.execute(
        f"select convert_from(meta, 'UTF8')::json->'f'->>'vkey' from {schema}.event where position = 1"
    )
    arguments = ledger.connection, ledger.one.tenant, (), [str(meta[0])]
    assert all(report.ok for report in selfcheck.inspect(*arguments))
    with ledger.connection.transaction(force_rollback=True):
        forge(ledger, schema, for_my_key(ledger.chain_of(schema)))
        report = of(ledger, selfcheck.inspect(*arguments), schema)
        assert [fault.position for fault in report.faults] == [1]


def test_rules_that_the_hashes_do_not_hold(ledger: Ledger) -> None:
    """A forger who signs with the right key: what a chain's facts must be among themselves."""

    def backwards(rows: list[Row]) -> list[Row]:
        rows[-1]["recorded_at_us"] -= 10**12
        return rows

    def jumped(rows: list[Row]) -> list[Row]:
        rows[-1]["originator_version"] += 1
        return rows

    def not_introduced(rows: list[Row]) -> list[Row]:
        return [rows[0], *(row for row in rows[1:] if row["topic"] != "ledger.fact-type-introduced.v1")]

    def introduced_twice(rows: list[Row]) -> list[Row]:
        return [*rows[:2], {**rows[1], "originator_version": 3}]

    def opened_twice(rows: list[Row]) -> list[Row]:
        return [
            *rows,
            {**rows[0], "originator_version": 1 + sum(row["originator_id"] == rows[0]["originator_id"] for row in rows)},
        ]

    def erased(rows: list[Row]) -> list[Row]:
        rows[1]["body"] = rows[1]["body_salt"] = None
        return rows

    def encrypted(rows: list[Row]) -> list[Row]:
        rows[1]["body_key"] = "a key"
        return rows

    schema = ledger.schemas()[1]
    last = len(events(ledger, schema))
    ledger.notes = []
    for change, position, sentence in (
        (backwards, last, "recorded_at"),
        (jumped, last, "follows version"),
        (not_introduced, 2, "was not introduced"),
        (introduced_twice, 3, "was introduced before"),
        (opened_twice, last + 1, "opening fact"),
        (erased, 2, "the body is gone"),
        (encrypted, 2, "body_key"),
    ):
        with ledger.connection.transaction(force_rollback=True):
            forge(ledger, schema, change, key=None)
            found = [fault for fault in of(ledger, ledger.verify(), schema).faults if sentence in fault.what]
            assert [fault.position for fault in found][:1] == [position], change.__name__
    with ledger.connection.transaction(force_rollback=True):  # negative control: forging by itself is not what is found
        forge(ledger, schema, list, key=None)
        assert [fault.what for fault in of(ledger, ledger.verify(), schema).faults] == []
