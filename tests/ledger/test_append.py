"""What an append promises: all or nothing, in order, checked against what the command read."""

from __future__ import annotations

import uuid

import pytest

from domain import catalogue
from domain.ledger.faults import ClaimTaken, TooLarge, VersionConflict
from domain.ledger.submission import Appended
from domain.model import record
from tests.fixtures_ledger import DOMAIN, LedgerTenant, new_case, new_entry
from tests.ledger.appending import check_chain, claiming, envelope, events, titled, together, write


def whole(tenant: LedgerTenant) -> int:
    with tenant.owner() as connection:
        return check_chain(connection, tenant.tenant, f"{DOMAIN}/record/1")


def claims(tenant: LedgerTenant) -> dict[tuple[str, str], uuid.UUID]:
    with tenant.owner() as connection:
        rows = connection.execute(f"select kind, key, originator_id from {tenant.tenant}.ledger_claim").fetchall()
    return {(kind, key): owner for kind, key, owner in rows}


def test_a_command_stands_together_in_the_chain(ledger_tenant: LedgerTenant) -> None:
    ledger, one, two = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    appended = write(ledger, titled(one), titled(two), (one, record.Unscreened()))
    rows = events(ledger_tenant)[-3:]
    assert [(row[1], row[2]) for row in rows] == [(one, 1), (two, 1), (one, 2)]
    assert [row[0] for row in rows] == list(range(appended.first_position, appended.receipt.position + 1))
    assert whole(ledger_tenant) == appended.receipt.position
    head = ledger.reader.head()
    assert (head.chain_hash, head.recorded_at_us) == (appended.receipt.chain_hash, appended.recorded_at_us)


def test_each_fact_says_which_of_how_many_it_is(ledger_tenant: LedgerTenant) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, titled(stream, "1"), titled(stream, "2"), titled(stream, "3"), src="web", basis="offl. § 13")
    found = [recorded.envelope for recorded in ledger.reader.stream(stream)]
    assert [(one.n, one.m) for one in found] == [(1, 3), (2, 3), (3, 3)]
    assert len({one.cmd for one in found}) == 1
    assert {(one.actor, one.src, one.basis) for one in found} == {("tor.lie", "web", "offl. § 13")}


def test_a_stream_that_was_only_read_is_expected_too(ledger_tenant: LedgerTenant) -> None:
    ledger, read, written = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, titled(read))
    write(ledger, titled(written), expect={read: 1})
    write(ledger, titled(read, "Annet"), expect={read: 1})
    before = whole(ledger_tenant)
    with pytest.raises(VersionConflict) as conflict:
        write(ledger, titled(written, "Nytt"), expect={written: 1, read: 1})
    assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == (read, 1, 2)
    with pytest.raises(VersionConflict):
        write(ledger, titled(written, "Nytt"), expect={written: 1, uuid.uuid4(): 1})
    assert whole(ledger_tenant) == before
    write(ledger, titled(written, "Nytt"), expect={written: 1, read: 2, uuid.uuid4(): 0})


def test_expectations_hold_inside_a_batch(ledger_tenant: LedgerTenant) -> None:
    ledger, stream, other = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    results = together(
        ledger_tenant,
        ledger,
        [
            lambda: write(ledger, titled(stream)),
            lambda: write(ledger, titled(other), expect={stream: 0}),
            lambda: write(ledger, titled(stream, "2"), expect={stream: 1}),
            lambda: write(ledger, titled(stream, "2"), expect={stream: 1}),
            lambda: write(ledger, titled(other), expect={stream: 2}),
        ],
    )
    assert [type(result) for result in results] == [Appended, VersionConflict, Appended, VersionConflict, Appended]
    assert len({result.recorded_at_us for result in results if isinstance(result, Appended)}) == 1
    whole(ledger_tenant)


def test_a_command_holds_up_to_1000_facts(ledger_tenant: LedgerTenant) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    before = whole(ledger_tenant)
    with pytest.raises(TooLarge):
        write(ledger, *[titled(stream) for _ in range(1_001)])
    with pytest.raises(TooLarge):
        write(ledger)
    with pytest.raises(KeyError):
        ledger.append([titled(stream)], envelope(), {}, ledger.clock.now())
    assert whole(ledger_tenant) == before
    appended = write(ledger, *[titled(stream, str(n)) for n in range(1_000)])
    assert appended.receipt.position - appended.first_position == 999
    titles = [recorded.fact.body.title for recorded in ledger.reader.stream(stream)]
    assert titles == [str(n) for n in range(1_000)]
    whole(ledger_tenant)


def test_a_refused_command_of_1000_facts_leaves_nothing(ledger_tenant: LedgerTenant) -> None:
    ledger, stream, other = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, claiming(other, "taken"))
    before, held = whole(ledger_tenant), claims(ledger_tenant)
    with pytest.raises(ClaimTaken) as taken:
        write(ledger, *[titled(stream) for _ in range(998)], claiming(stream, "free"), claiming(stream, "taken"))
    assert taken.value.owner == other
    assert (whole(ledger_tenant), claims(ledger_tenant)) == (before, held)


def test_a_claim_is_held_until_it_is_released(ledger_tenant: LedgerTenant) -> None:
    ledger, one, two = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, claiming(one, "a"))
    with pytest.raises(ClaimTaken):
        write(ledger, claiming(two, "a"))
    write(ledger, claiming(one, "b", "a"), expect={one: 1})
    write(ledger, claiming(two, "a"))
    assert claims(ledger_tenant) == {("external", "b"): one, ("external", "a"): two}
    write(ledger, claiming(one, "b", "b"), expect={one: 2})  # released and claimed at once: it stays
    assert claims(ledger_tenant)[("external", "b")] == one


def test_claims_inside_a_batch(ledger_tenant: LedgerTenant) -> None:
    ledger, one, two, three = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    write(ledger, claiming(one, "old"))
    results = together(
        ledger_tenant,
        ledger,
        [
            lambda: write(ledger, claiming(two, "old")),  # still held
            lambda: write(ledger, claiming(one, "new", "old"), expect={one: 1}),
            lambda: write(ledger, claiming(two, "new")),  # taken a moment ago
            lambda: write(ledger, claiming(two, "old")),  # free since a moment ago
            lambda: write(ledger, claiming(one, "newer", "new"), expect={one: 2}),
            lambda: write(ledger, claiming(three, "x"), claiming(three, "x")),  # twice in one command
        ],
    )
    assert [type(result) for result in results] == [ClaimTaken, Appended, ClaimTaken, Appended, Appended, ClaimTaken]
    assert claims(ledger_tenant) == {("external", "old"): two, ("external", "newer"): one}
    whole(ledger_tenant)


def test_only_good_commands_of_a_batch_take_the_short_way_with_claims(ledger_tenant: LedgerTenant) -> None:
    ledger, one, two = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, claiming(one, "a"))
    results = together(
        ledger_tenant,
        ledger,
        [
            lambda: write(ledger, claiming(one, "b", "a"), expect={one: 1}),
            lambda: write(ledger, claiming(two, "a")),
            lambda: write(ledger, claiming(one, "c", "b"), expect={one: 2}),
        ],
    )
    assert [type(result) for result in results] == [Appended] * 3
    assert claims(ledger_tenant) == {("external", "a"): two, ("external", "c"): one}


def test_an_idempotency_key_and_a_message_id_count_once(ledger_tenant: LedgerTenant) -> None:
    ledger, one, two = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, titled(one), titled(two), idem="digest", src="fiks:77")
    assert claims(ledger_tenant) == {("idempotency", "digest"): one, ("message", "fiks:77"): one}
    for again in ({"idem": "digest"}, {"src": "fiks:77"}):
        with pytest.raises(ClaimTaken) as taken:
            write(ledger, titled(uuid.uuid4()), **again)
        assert taken.value.owner == one
    write(ledger, titled(uuid.uuid4()), src="web")
    write(ledger, titled(uuid.uuid4()), src="web")


def test_what_is_claimed_can_be_told_from_meta_alone(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    new_entry(ledger, case)
    write(ledger, claiming(case, "a"), expect={case: len(ledger.reader.stream(case))}, idem="digest", src="fiks:1")
    write(ledger, claiming(case, "b", "a"), expect={case: len(ledger.reader.stream(case))})
    told: dict[tuple[str, str], uuid.UUID] = {}
    for _, stream, _, topic, _, meta, _ in events(ledger_tenant):
        said, fact = catalogue.decode(topic, meta, None)
        for claim in getattr(fact, "released", ()):
            del told[claim]
        told |= dict.fromkeys(getattr(fact, "claims", ()), stream)
        if said.n == 1:
            told |= {("idempotency", said.idem): stream} if said.idem else {}
            told |= {("message", said.src): stream} if (said.src or "").startswith("fiks:") else {}
    assert told == claims(ledger_tenant)
    assert {kind for kind, _ in told} == {"case-number", "journal-number", "entry-number", "external", "idempotency", "message"}
