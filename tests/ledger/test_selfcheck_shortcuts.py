"""The short cuts of verification: several processes, and beginning where the last run ended, give the answer of the whole run."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain import chain
from domain.ledger import ranges, selfcheck, verified
from domain.ledger.clock import SystemClock
from domain.ledger.derived import Derived, Held
from domain.ledger.multiset import Multiset
from domain.ledger.ranges import Workers
from domain.ledger.selfcheck import ChainReport, Memory
from domain.ledger.spill import Spill
from domain.ledger.streams import Streams, Window
from domain.ledger.stretch import Stretch
from domain.ledger.tiles import Growth, TileRows
from domain.ledger.walk import Findings
from domain.model.chain_log import BodiesDisposed
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.appending import claiming, numbered, titled, write
from tests.ledger.test_export import dispose, held, sign
from tests.ledger.test_signer import chain_id_of, tamper

SIZE = 256  # positions in a range: the smallest that fit a tile


@pytest.fixture(scope="module")
def pool() -> Iterator[dict[str, Workers]]:
    """Processes that live as long as the module, by DSN."""
    started: dict[str, Workers] = {}
    yield started
    for workers in started.values():
        workers.close()


def workers_of(one: LedgerTenant, pool: dict[str, Workers], least: int = 0) -> Workers:
    dsn = one.dsn("auditor")
    if dsn not in pool:
        pool[dsn] = Workers(dsn, 2, least, SIZE)
    return pool[dsn]


def check(one: LedgerTenant, *notes: str, memory: Memory | None = None, workers: Workers | None = None) -> ChainReport:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        (report,) = selfcheck.check(connection, one.tenant, notes, (), memory, workers)
    return report


def memory_of(one: LedgerTenant) -> Memory:
    return Memory(one.signer_dir, SystemClock(), use=True)


def grown(one: LedgerTenant, events: int) -> None:
    """A ledger with claims, releases, numbers, erased bodies and streams that go on, of at least so many events."""
    ledger, streams = one.ledger, [uuid.uuid4() for _ in range(20)]
    case = new_case(ledger)
    versions = dict.fromkeys(streams, 0)
    keys = dict.fromkeys(streams, "")
    while ledger.reader.head().position < events:
        number = ledger.reader.head().position
        stream = streams[number % 20]
        released = (keys[stream],) if keys[stream] else ()
        keys[stream] = f"key {number}"
        facts = claiming(stream, keys[stream], *released), titled(stream), titled(uuid.uuid4())
        write(ledger, *facts, expect={stream: versions[stream]}, idem=f"i{number}")
        versions[stream] += 2
    new_entry(ledger, case)


def test_windows_of_streams_find_what_one_dictionary_finds() -> None:
    chance = random.Random(1)
    cases = 0
    for _ in range(400):
        streams = [bytes([number]) * 16 for number in range(chance.randint(1, 12))]
        known, rows = dict.fromkeys(streams, 0), []
        for _ in range(60):
            stream = chance.choice(streams)
            known[stream] += 1 if chance.random() < 0.98 else chance.choice([0, 2, -1])
            rows.append((stream, known[stream]))
        last: dict[bytes, int] = {}
        broken = set()
        for stream, version in rows:
            if version != last.get(stream, 0) + 1:
                broken.add((stream, version))
            last[stream] = version
        whole, findings = Streams(limit=chance.randint(0, 5)), Findings()
        whole.begin(Window("c", 0, False))
        for position, (stream, version) in enumerate(rows, 1):
            if version != whole.versions.get(stream, 0) + 1:
                whole.odd(position, stream, version, findings)
            whole.versions[stream] = version
            whole.shrink(position)
        found = {rows[fault.position - 1] for fault in findings.faults if fault.position}
        found |= {(one.stream, one.version) for one in whole.breaks()}
        assert found == broken
        cases += bool(broken)
    assert 100 < cases < 400


@pytest.mark.parametrize(("count", "size"), [(256 * 5 + 77, 256), (256 * 4, 256), (5_000, 1_024), (66_000, 16_384)])
def test_trees_of_ranges_join_to_the_tree_of_all(count: int, size: int) -> None:
    leaves = [chain.leaf_hash(b"%d" % number) for number in range(count)]
    sizes = [1, 255, 256, 257, 512, 700, 1_024, *range(size, count, size), count - 1, count]
    whole = Growth(TileRows(), sizes)
    whole.add(leaves)
    joined = Growth(TileRows(), sizes)
    for start in range(0, count, size):
        part = Growth(TileRows(), [one for one in sizes if start < one <= start + size], before=start)
        for at in range(start, min(start + size, count), 100):
            part.add(leaves[at : min(at + 100, start + size)])
        joined.join(part)
    assert joined.roots == whole.roots
    assert set(whole.roots) == set(sizes)
    assert joined.rows.frontier() == whole.rows.frontier() == chain.Frontier.empty().extend(leaves)
    assert list(joined.tiles()) == list(whole.tiles())
    odd = Growth(TileRows(), ())
    odd.add(leaves[:1])
    with pytest.raises(ValueError, match="cannot be joined"):
        odd.join(part)


def test_a_spill_keeps_the_order_in_memory_and_on_disk() -> None:
    chance = random.Random(2)
    for limit in (0, 50, 10**9):
        spill, other, expected = Spill(limit), Spill(limit), dict[bytes, bytes]()
        for number in range(500):
            key = b"%d" % chance.randint(0, 40)
            (other if number > 300 else spill).add(key, b"<%d>" % number)
            expected[key] = expected.get(key, b"") + b"<%d>" % number
        spill.join(other.hand_over())
        assert list(other.parts()) == []
        found = b"".join(data for _, data in spill.parts())
        assert sorted(found) == sorted(b"".join(expected.values()))
        numbers = [[int(one) for one in data[1:-1].split(b"><")] for _, data in spill.parts()]
        assert all(part == sorted(part) for part in numbers)
        assert len(numbers) > 10


def test_a_multiset_is_of_rows_and_not_of_their_order() -> None:
    rows = [b"%d" % number for number in range(50)]
    one, two = Multiset(), Multiset()
    for row in rows:
        one.add(row)
    for row in reversed(rows):
        two.add(row)
    assert one.value == two.value == Multiset.decode(one.encode()).value
    two.remove(rows[3])
    assert one.value != two.value
    two.add(b"another")
    assert one.value != two.value
    with pytest.raises(ValueError, match="digest"):
        Multiset.decode("00")


def test_several_processes_give_the_answer_alone(
    ledger_tenant: LedgerTenant, pool: dict[str, Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("read by one process")

    grown(ledger_tenant, 600)
    sign(ledger_tenant)
    monkeypatch.setattr(Stretch, "read", never)
    assert check(ledger_tenant, held(ledger_tenant), workers=workers_of(ledger_tenant, pool)).ok
    with pytest.raises(AssertionError, match="one process"):
        check(ledger_tenant, held(ledger_tenant))


def test_several_processes_say_what_one_says(ledger_tenant: LedgerTenant, pool: dict[str, Workers]) -> None:
    grown(ledger_tenant, 900)
    sign(ledger_tenant)
    first = held(ledger_tenant)
    dispose(ledger_tenant, (250, 270), "body")
    grown(ledger_tenant, 1_050)
    sign(ledger_tenant)
    workers = workers_of(ledger_tenant, pool)
    shared = check(ledger_tenant, first, held(ledger_tenant), workers=workers)
    assert shared == check(ledger_tenant, first, held(ledger_tenant))
    assert (shared.ok, shared.erased) == (True, 21)
    tamper(ledger_tenant, "update {t}.event set meta = meta || 'x' where position = 600")
    assert check(ledger_tenant, first, workers=workers) == check(ledger_tenant, first)
    assert check(ledger_tenant, first, workers=workers).faults[0].position == 600


def test_ranges_are_read_only_where_nothing_is_amiss(ledger_tenant: LedgerTenant) -> None:
    """What a process hands over is joined; what is amiss in a range, or does not follow, is no answer at all."""
    grown(ledger_tenant, 600)
    last = ledger_tenant.ledger.reader.head().position
    window = Window(chain_id_of(ledger_tenant), 0, False)

    def reads() -> list[ranges.Read | None]:
        with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            tasks = ranges.tasks("", ledger_tenant.tenant, window, last, [300], (window.chain_id,), 0, SIZE)
            return [ranges.read_range(connection, task) for task in tasks]

    first, second, third = reads()
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.head, second.head) == (second.before, third.before)
    tamper(ledger_tenant, "update {t}.event set body = body || 'x' where position = 300")
    one, two, three = reads()
    assert (one is None, two is None, three is None) == (False, True, False)
    tamper(ledger_tenant, "update {t}.event set chain_hash = decode(repeat('00', 32), 'hex') where position = 256")
    assert [read is None for read in reads()] == [True, True, False]


def test_a_process_that_ends_is_no_answer(ledger_tenant: LedgerTenant) -> None:
    grown(ledger_tenant, 300)
    with Workers("host=/nowhere", 2, 0, SIZE) as away:
        assert check(ledger_tenant, workers=away).faults == []
    with Workers(ledger_tenant.dsn("auditor"), 2, 10**6, SIZE) as unused:
        assert not unused.are_for(300)
        assert check(ledger_tenant, workers=unused).faults == []


def test_what_was_verified_is_not_read_again(ledger_tenant: LedgerTenant) -> None:
    memory = memory_of(ledger_tenant)
    grown(ledger_tenant, 600)
    sign(ledger_tenant)
    first = check(ledger_tenant, memory=memory)
    known = verified.recall(ledger_tenant.signer_dir, ledger_tenant.tenant)
    assert known is not None
    of_chain = known.chains[chain_id_of(ledger_tenant)]
    assert (of_chain.size, of_chain.chain_hash, of_chain.root) == (first.events, first.head, first.root)
    assert known.at == known.whole_at
    assert not any("not read again" in what for what in first.unprovable)
    grown(ledger_tenant, 700)
    dispose(ledger_tenant, (20, 30), "body")
    write(ledger_tenant.ledger, numbered(uuid.uuid4()), (uuid.uuid4(), BodiesDisposed("2026/2", ((40, 41),), ("body",))))
    sign(ledger_tenant)
    for _ in range(3):
        since = verified.recall(ledger_tenant.signer_dir, ledger_tenant.tenant)
        assert since is not None
        before = since.chains[chain_id_of(ledger_tenant)].size
        assert since.whole_at == known.whole_at, "when all was read last is not forgotten"
        report, whole = check(ledger_tenant, held(ledger_tenant), memory=memory), check(ledger_tenant, held(ledger_tenant))
        assert report.unprovable == [f"positions 1-{before}: verified before, not read again"]
        assert (report.faults, report.events, report.head) == ([], whole.events, whole.head)
        assert (report.root, report.erased, report.checkpoint) == (whole.root, whole.erased, whole.checkpoint)
        grown(ledger_tenant, whole.events + 40)
        sign(ledger_tenant)


@pytest.mark.parametrize("damage", ["", "nonsense", "00000000\n{}", None])
def test_a_memory_that_cannot_be_read_is_none(ledger_tenant: LedgerTenant, damage: str | None) -> None:
    memory = memory_of(ledger_tenant)
    assert check(ledger_tenant, memory=memory).faults == []
    path = verified.path_of(ledger_tenant.signer_dir, ledger_tenant.tenant)
    if damage is None:
        path.write_bytes(path.read_bytes().replace(b'"size":', b'"size":1'))
    else:
        path.write_text(damage)
    assert verified.recall(ledger_tenant.signer_dir, ledger_tenant.tenant) is None
    report = check(ledger_tenant, memory=memory)
    assert report.ok
    assert not any("not read again" in what for what in report.unprovable)


def test_the_memory_of_another_history_leads_to_a_whole_run(ledger_tenant: LedgerTenant) -> None:
    memory = memory_of(ledger_tenant)
    grown(ledger_tenant, 300)
    sign(ledger_tenant)
    check(ledger_tenant, memory=memory)
    path = verified.path_of(ledger_tenant.signer_dir, ledger_tenant.tenant)
    tamper(ledger_tenant, "update {t}.event set body = body || 'x' where position = 100")
    assert check(ledger_tenant, memory=memory).ok, "not read again, and named"
    assert check(ledger_tenant, memory=memory).unprovable[0].startswith("positions 1-")
    remembered = path.read_bytes()
    tamper(ledger_tenant, "update {t}.ledger_head set recorded_at_us = 0")
    faults = check(ledger_tenant, memory=memory).faults
    assert faults[0].position == 100, "with any fault all is read, and the first one named"
    assert path.read_bytes() == remembered, "a run with faults is not remembered"


def test_a_verdict_stands_where_it_cannot_be_remembered(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    report = check(ledger_tenant, memory=Memory(tmp_path / "a file", SystemClock()))
    assert report.ok
    assert report.unprovable[-1].startswith("the next run cannot begin where this one ends")


def some(chance: random.Random, count: int) -> list[str]:
    return [str(chance.randint(0, 30)) for _ in range(count)]


def test_keys_of_a_command_are_released_before_they_are_claimed() -> None:
    """The replay part by part, against the plain rule on one dictionary."""
    chance = random.Random(3)
    head = '{"e":{"cmd":"%s","n":%d},"f":{"claims":%s,"released":%s}}'
    doubled = 0
    for _ in range(150):
        derived, findings = Derived(["a/record/1"]), Findings()
        plain: dict[str, int] = {}
        twice, position = set[int](), 0
        for _ in range(40):
            size = chance.randint(1, 3)
            facts = [(some(chance, chance.randint(0, 2)), some(chance, chance.randint(0, 1))) for _ in range(size)]
            for _, released in facts:
                for key in released:
                    plain.pop(key, None)
            for n, (claims, _) in enumerate(facts, 1):
                for key in claims:
                    if plain.setdefault(key, position + n) != position + n:
                        twice.add(position + n)
            for n, (claims, released) in enumerate(facts, 1):
                pairs = [str([["external", key] for key in keys]).replace("'", '"') for keys in (claims, released)]
                meta = (head % (uuid.UUID(int=position), n, *pairs)).encode()
                event = (position + n, 0, bytes(16), 1, b"record.external-key-set.v1", b"", meta, b"", b"", b"", b"")
                derived.take("a/record/1", [event], findings)
            position += size
        assert findings.faults == []
        assert {key[1]: held.position for key, held in derived.claims()} == plain
        stored = Spill()
        found = {held.position for held, what in derived.compare(stored) if held is not None and "is claimed, and held" in what}
        assert found == twice
        doubled += len(twice)
    assert doubled > 100
    assert Held(b"", "a/record/1", 1) == Held(b"", "a/record/1", 1)
