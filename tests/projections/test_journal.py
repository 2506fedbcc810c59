"""The journal: found as people search, rebuilt alike, and without what was destroyed or cannot be read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

import projections.journal
from domain.handlers import case_files, documents, registry_entries
from domain.handlers.documents import GivenObject
from domain.handlers.metadata import Comment, ExternalKey, Metadata, Part
from domain.handlers.registry_entries import Party
from domain.handlers.work import Work, run
from domain.ledger import follow
from domain.ledger.follow import Follower
from domain.ledger.ledger import Ledger
from domain.model import record
from domain.model.case_file import CreateCaseFile
from domain.model.named_access import AccessGranted, AccessGrantedBody
from domain.model.record import ContactBody, Named, Screened, Unscreened
from domain.model.registering import RegisterEntry
from domain.model.registry_entry import SignedOff
from projections import view
from projections.journal.read import Journal, Search
from projections.journal.seen import EVERYTHING
from tests.events import golden
from tests.fixtures_ledger import CONTEXT, LedgerTenant, new_case, new_entry, new_series
from tests.ledger.appending import DAY, titled, write
from tests.ledger.following import catch_up, destroy, digests, dispose, following, insert_raw, poisoned, unguarded

META = golden.golden("record.titled.v1")["minimal"][0]


@pytest.fixture
def follower(ledger_tenant: LedgerTenant) -> Iterator[Follower]:
    """The journal's follower, stepped by hand."""
    with following(ledger_tenant) as one:
        yield one


@pytest.fixture
def journal(ledger_tenant: LedgerTenant) -> Journal:
    """The journal's reads."""
    return Journal(ledger_tenant.tenant)


def version(ledger: Ledger, unit: uuid.UUID) -> int:
    return len(ledger.reader.stream(unit))


def change(ledger: Ledger, unit: uuid.UUID, *facts: object) -> None:
    write(ledger, *[(unit, fact) for fact in facts], expect={unit: version(ledger, unit)})


def positions(ledger: Ledger, *units: uuid.UUID) -> list[int]:
    """Where the facts with a body stand."""
    return [one.position for unit in units for one in ledger.reader.stream(unit) if getattr(one.fact, "body", None) is not None]


def rich_life(ledger: Ledger) -> dict[str, uuid.UUID]:
    """A case with everything: parties, comments, an entry with a document and a sign-off, a screened entry, a discarded one."""
    series = new_series(ledger)
    units = {name: uuid.uuid4() for name in ("case", "entry", "document", "coded")}
    stored = ledger.blobs.put(uuid.uuid4(), [b"%PDF-1.7 tekst"])

    def begin(work: Work) -> None:
        metadata = Metadata(
            "Bygging av naust for Ola Nordmann",
            "Bygging av naust for *****",
            "Strandveien 4",
            keywords=("naust", "strandsone"),
            authors=("Kari Nes",),
            comments=(Comment("Ringte Ola"),),
            parts=(Part(ContactBody("Ola Nordmann", person_id="01010112345"), "søker"),),
            external_key=ExternalKey("elev", "17"),
            extensions=(("egne", "<x>Ola</x>"),),
        )
        details = CreateCaseFile(DAY, series=series, case_responsible=Named("Kari Nes"))
        case_files.create(work, case_files.CreateCase(units["case"], metadata, details))
        sender = Party("EA", ContactBody("Ola Nordmann", address=("Strandveien 4",)))
        register = RegisterEntry(DAY, "J", entry_type="I", case=units["case"])
        registry_entries.register(
            work, registry_entries.Register(units["entry"], Metadata("Søknad om naust"), register, (sender,))
        )
        given = GivenObject(stored, "Søknad fra Ola.pdf")
        documents.add(work, documents.AddDocument(units["document"], units["entry"], Metadata("Søknad"), objects=(given,)))
        coded = Metadata("Legeerklæring", screening=Screened("13", "offl. § 13", ("TR1",)))
        registry_entries.register(work, registry_entries.Register(units["coded"], coded, register))

    run(ledger, CONTEXT, (), begin)
    sign = registry_entries.SignOffEntry(units["entry"], SignedOff(uuid.uuid4(), DAY, "TE", Named("Kari Nes")))
    run(ledger, CONTEXT, (units["entry"],), lambda work: registry_entries.sign_off(work, sign))
    gone = units["gone"] = new_entry(ledger, units["case"], status="M")
    run(ledger, CONTEXT, (gone,), lambda work: registry_entries.discard(work, registry_entries.DiscardEntry(gone)))
    return units


def everything(follower: Follower) -> str:
    """Every word that the projection holds."""
    tables = [table for table, _ in projections.journal.TABLES]
    rows = [follower.connection.execute(f"select t::text from {follower.schema}.{table} t").fetchall() for table in tables]
    return "\n".join(row[0] for table in rows for row in table)


@pytest.mark.parametrize("batch", [1, 3, 2_000])
def test_live_and_rebuilt_are_alike_whatever_the_batches(
    ledger_tenant: LedgerTenant, follower: Follower, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    rich_life(ledger_tenant.ledger)
    monkeypatch.setattr(follow, "BATCH", batch)
    catch_up(follower)
    monkeypatch.setattr(follow, "BATCH", 2_000)
    live, rebuilt = digests(ledger_tenant, follower)
    assert live == rebuilt


def test_the_journal_holds_what_the_log_folds_to(ledger_tenant: LedgerTenant, follower: Follower, journal: Journal) -> None:
    units = rich_life(ledger_tenant.ledger)
    catch_up(follower)
    reader = ledger_tenant.ledger.reader
    for unit, read in ((units["case"], journal.case), (units["entry"], journal.entry), (units["coded"], journal.entry)):
        assert read(follower.connection, unit) == view.fold(reader.stream(unit))
    held = journal.document(follower.connection, units["document"])
    assert held is not None
    assert held.pop("entry") == str(units["entry"])
    assert held == view.fold(reader.stream(units["document"]))


def test_destroyed_bodies_leave_and_rebuilding_agrees_before_and_after(ledger_tenant: LedgerTenant, follower: Follower) -> None:
    ledger = ledger_tenant.ledger
    units = rich_life(ledger)
    other = new_case(ledger, "Sak om Ola som blir")
    catch_up(follower)
    assert everything(follower).count("Ola") > 5
    gone = positions(ledger, *units.values())
    dispose(ledger, *gone)
    catch_up(follower)
    assert [line for line in everything(follower).split("\n") if "Ola" in line and str(other) not in line] == []
    with_bodies = digests(ledger_tenant, follower)
    destroy(ledger_tenant, *gone)
    without = digests(ledger_tenant, follower)
    assert len({*with_bodies, *without}) == 1
    change(ledger, units["case"], record.titled("En ny tittel"))  # life goes on
    catch_up(follower)
    live, rebuilt = digests(ledger_tenant, follower)
    assert live == rebuilt
    assert "En ny tittel" in everything(follower)


def test_a_part_of_the_bodies_destroyed_leaves_the_rest(
    ledger_tenant: LedgerTenant, follower: Follower, journal: Journal
) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger, "Hemmelig")
    first = positions(ledger, case)
    change(ledger, case, record.titled("Åpen"))
    dispose(ledger, *first)
    dispose(ledger, *positions(ledger, case)[1:], parts=("blob",))  # the file alone: its words stay
    catch_up(follower)
    held = journal.case(follower.connection, case)
    assert held is not None
    assert held["title"] == "Åpen"
    assert "Hemmelig" not in everything(follower)
    destroy(ledger_tenant, *first)
    assert len(set(digests(ledger_tenant, follower))) == 1


def test_the_journal_shows_nothing_between_destruction_and_decision_either(
    ledger_tenant: LedgerTenant, follower: Follower
) -> None:
    ledger = ledger_tenant.ledger
    units = rich_life(ledger)
    gone = positions(ledger, *units.values())
    dispose(ledger, *gone)
    destroy(ledger_tenant, *gone)
    catch_up(follower)  # from the first fact on, every body missing
    assert poisoned(follower) == {}
    assert "Ola" not in everything(follower)


def test_destroyed_words_of_a_unit_that_cannot_be_read_leave_too(ledger_tenant: LedgerTenant, follower: Follower) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger, "Person A")
    secret = positions(ledger, case)
    position = insert_raw(ledger_tenant, case, version(ledger, case) + 1, "record.titled.v9", META)
    catch_up(follower)
    assert "Person A" in everything(follower)
    dispose(ledger, *secret)
    catch_up(follower)
    assert "Person A" not in everything(follower)
    assert poisoned(follower) == {case: position}
    assert len(set(digests(ledger_tenant, follower))) == 1


def test_what_is_kept_of_an_error_does_not_quote_the_record(ledger_tenant: LedgerTenant, follower: Follower) -> None:
    ledger = ledger_tenant.ledger
    follower.connection.execute(f"alter table {follower.schema}.case_file add check (title is null)")
    case = new_case(ledger, "Person A")
    catch_up(follower)
    assert set(poisoned(follower)) == {case}
    kept = follower.connection.execute(f"select p::text from {follower.schema}.poison p").fetchone()
    assert kept is not None
    assert "CheckViolation" in kept[0]
    assert "Person A" not in kept[0]


@pytest.mark.parametrize("unit", ["case", "entry", "document"])
def test_screening_moves_a_row_to_the_coded_table_and_back(ledger_tenant: LedgerTenant, follower: Follower, unit: str) -> None:
    ledger = ledger_tenant.ledger
    one = rich_life(ledger)[unit]
    table = "case_file" if unit == "case" else unit

    def stands_in() -> list[str]:
        catch_up(follower)
        return [
            name
            for name in (table, f"{table}_coded")
            if follower.connection.execute(
                f"select 1 from {follower.schema}.{name} where id = %s and view is not null", (one,)
            ).fetchone()
        ]

    assert stands_in() == [table]
    change(ledger, one, Screened("13"))
    assert stands_in() == [f"{table}_coded"]
    change(ledger, one, record.titled("Ny"))
    assert stands_in() == [f"{table}_coded"]
    change(ledger, one, Unscreened())
    assert stands_in() == [table]
    assert len(set(digests(ledger_tenant, follower))) == 1


WORDS = [
    ("Bygging av naust ved sjøen", ["naustet", "nausta", "bygging", "NAUST", "sjøen naust"]),
    ("Klager på reguleringsplanen", ["klage", "klagen", "klagene", "reguleringsplan"]),
    ("Ansökningar om bygglov för skolor", ["ansökning", "ansökningarna", "skola", "skolorna", "bygglov"]),
    ("Barnehagar i bygda", ["barnehage", "barnehagen"]),
]


@pytest.mark.parametrize(("title", "asked"), WORDS)
def test_search_finds_norwegian_and_swedish_inflections(
    ledger_tenant: LedgerTenant, follower: Follower, journal: Journal, title: str, asked: list[str]
) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger, title)
    entry = new_entry(ledger, new_case(ledger, "Annet"), title)
    new_entry(ledger, new_case(ledger, "Vei og vann"), "Snøbrøyting")
    catch_up(follower)
    for words in asked:
        assert [row["id"] for row in journal.cases(follower.connection, Search(words), EVERYTHING).rows] == [case], words
        assert [row["id"] for row in journal.entries(follower.connection, Search(words), EVERYTHING).rows] == [entry], words
    for words in ("brannvesen", "naust -naust", "'; drop table x; --", '"', "&|!()"):
        assert journal.cases(follower.connection, Search(words), EVERYTHING).total == 0


def test_an_entry_is_found_by_number_party_and_keyword(ledger_tenant: LedgerTenant, follower: Follower, journal: Journal) -> None:
    ledger = ledger_tenant.ledger
    entry = new_entry(ledger, new_case(ledger))
    number = f"{ledger.clock.now().year}/1"
    catch_up(follower)
    for words in (f"{number}-1", "Nordmann"):
        assert [row["id"] for row in journal.entries(follower.connection, Search(words), EVERYTHING).rows] == [entry]
    assert journal.cases(follower.connection, Search(number), EVERYTHING).total == 1


def test_a_row_that_was_tampered_with_changes_the_digest(ledger_tenant: LedgerTenant, follower: Follower) -> None:
    units = rich_life(ledger_tenant.ledger)
    dispose(ledger_tenant.ledger, positions(ledger_tenant.ledger, units["coded"])[0])
    change(ledger_tenant.ledger, units["case"], Screened("13"))
    new_case(ledger_tenant.ledger)
    change(ledger_tenant.ledger, units["document"], Screened("13"))
    change(ledger_tenant.ledger, units["entry"], AccessGranted(uuid.uuid4(), "kari.nes", DAY, DAY, AccessGrantedBody("Vikar")))
    other = new_case(ledger_tenant.ledger)
    spare = documents.AddDocument(uuid.uuid4(), new_entry(ledger_tenant.ledger, other), Metadata("Notat"), association="H")
    run(ledger_tenant.ledger, CONTEXT, (), lambda work: documents.add(work, spare))
    documents_of = documents.AddDocument(uuid.uuid4(), units["entry"], Metadata("Vedlegg"), association="V")
    run(ledger_tenant.ledger, CONTEXT, (), lambda work: documents.add(work, documents_of))
    catch_up(follower)
    seen = {follower.digest()}
    with unguarded(ledger_tenant) as connection:
        for n, (table, _) in enumerate(projections.journal.TABLES, 2):
            name = f"{follower.schema}.{table}"
            columns = [
                row[0]
                for row in connection.execute(
                    "select column_name from information_schema.columns where (table_schema, table_name) = (%s, %s)"
                    " and data_type in ('text', 'uuid', 'bigint', 'integer')",
                    (follower.schema, table),
                )
            ]
            column = "title" if "title" in columns else columns[0]
            value = "gen_random_uuid()" if column in ("id", "document") else f"{column} || 'x'"
            changed = connection.execute(f"update {name} set {column} = {value}").rowcount
            assert changed > 0, f"{table} is empty"
            seen.add(follower.digest())
            assert len(seen) == n, table
            connection.execute(f"delete from {name}")
            assert follower.digest() not in seen


def test_a_unit_with_more_words_than_an_index_takes_is_followed(ledger_tenant: LedgerTenant, follower: Follower) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    words = tuple(f"ord{n:06}" * 50 for n in range(3_000))
    change(ledger, case, record.KeywordsSet(record.KeywordsSetBody(words)))
    write(ledger, titled(uuid.uuid4()))
    catch_up(follower)
    assert poisoned(follower) == {}
    row = follower.connection.execute(f"select jsonb_array_length(view->'keywords') from {follower.schema}.case_file").fetchone()
    assert row == (3_000,)


def test_a_rebuilt_projection_takes_the_place_of_the_live_one(
    ledger_tenant: LedgerTenant, follower: Follower, journal: Journal
) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    catch_up(follower)
    with unguarded(ledger_tenant) as connection:
        connection.execute(f"update {follower.schema}.case_file set title = 'forged'")
    live, rebuilt = follow.rebuild(ledger_tenant.dsn("work"), ledger_tenant.tenant, projections.journal, follower, swap=True)
    assert live != rebuilt
    assert follower.digest() == rebuilt
    held = journal.case(follower.connection, case)
    assert held is not None
    assert held["title"] == "Sak om naust"
    new_case(ledger)
    catch_up(follower)
    assert len(set(digests(ledger_tenant, follower))) == 1
