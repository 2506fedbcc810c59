"""What `verify` says of a ledger that nobody touched, in all the states that it can rightly be in."""

from __future__ import annotations

import dataclasses
import typing
import uuid

import httpx
import psycopg
import pytest

from domain import catalogue, chain
from domain.handlers import structure
from domain.handlers.work import run
from domain.ledger import cosigning, derived, measure, selfcheck, witness
from domain.ledger.selfcheck import ChainReport
from domain.ledger.walk import PAGE, Findings, Walk
from domain.ledger.witness import Witness
from domain.model.chain_log import BodiesDisposed
from tests.fixtures_ledger import CONTEXT, LedgerTenant, new_case, new_entry
from tests.ledger.appending import claiming, numbered, titled, write
from tests.ledger.test_export import dispose, held, sign
from tests.ledger.test_signer import chain_id_of, rows, tamper
from tests.ledger.test_witness import CLOCK, NAME


def verify(one: LedgerTenant, *checkpoints: str, vkeys: typing.Sequence[str] = ()) -> ChainReport:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        (report,) = selfcheck.check(connection, one.tenant, checkpoints, vkeys)
    return report


def test_the_shape_of_the_answer(ledger_tenant: LedgerTenant) -> None:
    new_case(ledger_tenant.ledger)
    report = verify(ledger_tenant)
    head = ledger_tenant.ledger.reader.head()
    fields = {
        "ok": True,
        "events": head.position,
        "head": head.chain_hash.hex(),
        "root": report.root,
        "checkpoint": None,
        "unprovable": report.unprovable,
        "faults": [],
        "erased": 0,
    }
    assert selfcheck.as_json([report]) == {**fields, "chains": [{"chain_id": chain_id_of(ledger_tenant), **fields}]}
    sign(ledger_tenant)
    assert verify(ledger_tenant).checkpoint == {"size": head.position, "ok": True, "outside": False}
    assert verify(ledger_tenant, held(ledger_tenant)).checkpoint == {"size": head.position, "ok": True, "outside": True}


def test_the_reader_may_verify_too(ledger_tenant: LedgerTenant) -> None:
    with psycopg.connect(ledger_tenant.dsn("reader"), autocommit=True) as connection:
        assert [report.ok for report in selfcheck.check(connection, ledger_tenant.tenant)] == [True]


def test_claims_and_counters_of_every_kind_of_command(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    new_entry(ledger, case)
    streams = [uuid.uuid4() for _ in range(6)]
    write(ledger, claiming(streams[0], "a"), idem="first", src="fiks:1")
    write(ledger, claiming(streams[1], "b"), claiming(streams[1], "c", "b"), src="other:1")  # released first, then claimed
    write(ledger, claiming(streams[2], "a", "a"))
    write(ledger, titled(streams[3]), claiming(streams[4], "d", "c", "not held"), idem="second")
    write(ledger, numbered(streams[5]), titled(streams[5]), claiming(streams[5], "e"), src="fiks:2")
    stored = {(row[0], row[1]) for row in rows(ledger_tenant, "select kind, key from {t}.ledger_claim")}
    assert {("external", key) for key in "abde"} | {("idempotency", "second"), ("message", "fiks:2")} <= stored
    assert ("external", "c") not in stored
    assert verify(ledger_tenant).faults == []
    tamper(ledger_tenant, "delete from {t}.ledger_claim where key = 'fiks:1'")
    assert [fault.what for fault in verify(ledger_tenant).faults] == ["ledger_claim has not message fiks:1"]


def test_every_number_that_the_writer_gives_is_counted_from_its_fact() -> None:
    numbered_topics = {
        topic
        for topic, fact in catalogue.NAMES.items()
        for field in dataclasses.fields(fact)
        if field.name != "claims" and "Number" in str(field.type)
    }
    assert numbered_topics == set(derived.SERIES)
    for topic, (year, number, _) in derived.SERIES.items():
        assert {year, number} <= {field.name for field in dataclasses.fields(catalogue.NAMES[topic])}


def test_what_was_disposed_of_by_a_covered_decision_is_erased(ledger_tenant: LedgerTenant) -> None:
    new_case(ledger_tenant.ledger)
    last = ledger_tenant.ledger.reader.head().position
    dispose(ledger_tenant, (4, last), "body")
    report = verify(ledger_tenant, held(ledger_tenant))
    assert (report.faults, report.erased) == ([], last - 3)
    tamper(ledger_tenant, "update {t}.event set body = null, body_salt = null where position in (2, 3)")
    (fault,) = verify(ledger_tenant).faults
    assert (fault.position, fault.interval, fault.what) == (2, (2, 3), "the body is gone and no disposal fact lists it")


def test_a_disposal_that_no_checkpoint_covers_erases_nothing(ledger_tenant: LedgerTenant) -> None:
    new_case(ledger_tenant.ledger)
    sign(ledger_tenant)
    write(ledger_tenant.ledger, (uuid.uuid4(), BodiesDisposed("2026/1", ((4, 4),), ("body",))))
    assert verify(ledger_tenant).faults == []  # decided, and not carried out
    tamper(ledger_tenant, "update {t}.event set body = null, body_salt = null where position = 4")
    (fault,) = verify(ledger_tenant).faults
    assert (fault.position, fault.what) == (4, "the body is gone and no kept checkpoint covers the disposal fact")


@pytest.mark.parametrize("positions", [((9_000, 9_001),), ((5, 4),), ((0, 1),)])
def test_a_disposal_of_what_cannot_be_is_a_fault(ledger_tenant: LedgerTenant, positions: tuple[tuple[int, int], ...]) -> None:
    write(ledger_tenant.ledger, (uuid.uuid4(), BodiesDisposed("2026/1", positions, ("body",))))
    (fault,) = verify(ledger_tenant).faults
    assert fault.position == ledger_tenant.ledger.reader.head().position


def test_cosignatures_are_verified_where_the_witness_is_known(
    ledger_tenant: LedgerTenant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("w")
    new_case(ledger_tenant.ledger)
    vkey = witness.prepare(folder, NAME, [sign(ledger_tenant)])
    mine = Witness(folder, CLOCK)

    def answer(message: httpx.Request) -> httpx.Response:
        given = mine.add_checkpoint(message.read())
        return httpx.Response(given.status, text=given.text)

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        psycopg.connect(ledger_tenant.dsn("signer"), autocommit=True) as connection,
    ):
        cosigning.cosign_latest(connection, ledger_tenant.tenant, client, "http://w", vkey)
    size = ledger_tenant.ledger.reader.head().position
    assert verify(ledger_tenant).unprovable[-1] == f"the cosignature of {NAME} on size {size}: its key was not given"
    assert not any(NAME in what for what in verify(ledger_tenant, vkeys=[vkey]).unprovable)
    assert verify(ledger_tenant, vkeys=[vkey]).faults == []
    line = str(rows(ledger_tenant, "select line from {t}.ledger_cosignature")[0][0])
    for at in range(len(line)):
        changed = line[:at] + ("x" if line[at] != "x" else "y") + line[at + 1 :]
        with ledger_tenant.owner() as connection, connection.transaction(force_rollback=True):
            connection.execute(f"update {ledger_tenant.tenant}.ledger_cosignature set line = %s", (changed,))
            (report,) = selfcheck.inspect(connection, ledger_tenant.tenant, (), [vkey])
            # a changed name or key id is that of another, unknown key; everything else is found
            assert not report.ok or NAME in report.unprovable[-1], (at, changed)


def test_a_checkpoint_of_another_chain_or_of_another_key_is_a_fault(ledger_tenant: LedgerTenant) -> None:
    sign(ledger_tenant)
    note = held(ledger_tenant)
    (fault,) = verify(ledger_tenant, note.replace("/record/1", "/record/7")).faults
    assert "no such chain is here" in fault.what
    signed = chain.parse_note(note)
    forged = chain.Signature(signed.signatures[0].name, signed.signatures[0].key_id, bytes(64))
    (fault,) = verify(ledger_tenant, chain.format_note(chain.Note(signed.text, (forged,)))).faults
    assert "not signed by the chain's key" in fault.what
    assert verify(ledger_tenant, note).faults == []


@pytest.mark.parametrize("text", ["", "nonsense", "a\nb\nc\n\n— a AAAAAAAA\n"])
def test_a_checkpoint_that_cannot_be_read_is_no_verdict(ledger_tenant: LedgerTenant, text: str) -> None:
    with pytest.raises(chain.ChainError):
        verify(ledger_tenant, text)


def test_a_measure_is_of_all_events(ledger_tenant: LedgerTenant) -> None:
    new_case(ledger_tenant.ledger)
    with psycopg.connect(ledger_tenant.dsn("auditor")) as connection:
        for _ in range(2):
            speed = measure.measure(connection, ledger_tenant.tenant)
            assert speed.events == ledger_tenant.ledger.reader.head().position
            assert speed.ratio == speed.hashing_s / speed.verify_s > 0


def test_the_context_of_a_command_reaches_its_claims(ledger_tenant: LedgerTenant) -> None:
    context = dataclasses.replace(CONTEXT, idempotency_key="k", source="fiks:9")
    run(ledger_tenant.ledger, context, (), lambda work: structure.ensure_structure(work, "Fjordvik", "987654321"))
    kinds = {row[0] for row in rows(ledger_tenant, "select kind from {t}.ledger_claim")}
    assert {"idempotency", "message"} <= kinds
    assert verify(ledger_tenant).faults == []


def test_a_walk_left_early_leaves_the_connection_usable(ledger_tenant: LedgerTenant) -> None:
    case = new_case(ledger_tenant.ledger)
    for _ in range(95):
        new_entry(ledger_tenant.ledger, case)
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        for _ in range(3):
            pages = Walk(chain_id_of(ledger_tenant), Findings()).pages(connection, ledger_tenant.tenant)
            assert len(next(pages).events) == PAGE
            pages.close()  # type: ignore[attr-defined]
            assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            next(Walk(chain_id_of(ledger_tenant), Findings()).pages(connection, "nowhere"))
        assert connection.execute("select 1").fetchone() == (1,)
