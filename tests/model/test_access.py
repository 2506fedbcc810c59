"""The rights tables as delivered, and the decision that rests on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.model.access import CODED, NOT_ASSESSED, PUBLIC, Allowed, Answer, Denied, Grant, Moment, Person, Right, Subject, may
from domain.model.matrix import ROLES, Cell, CellChange, Matrix, MatrixError, Place, gather, parse, scope, written
from tests import tidy

OWN, ABOVE, OTHER = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 11, 23)
NOW = Moment(datetime(2026, 11, 23, 8, tzinfo=UTC), DAY)
TABLES = {path.stem: path.read_text("utf-8") for path in sorted((tidy.ROOT / "domain/model/matrices").glob("*.tsv"))}
MATRIX = gather(parse(name, text.splitlines(keepends=True)) for name, text in TABLES.items())


def right(role: str, **more: object) -> Right:
    given: dict[str, object] = {"unit": OWN, "decided_at": NOW.instant - timedelta(days=1), "rests_on": ("7", "9"), **more}
    return Right(role, DAY, DAY, **given)  # type: ignore[arg-type]


def asked(role: str, action: str, subject: Subject, to: str = "-", **more: object) -> Answer:
    return may(Person("per", (right(role, **more),)), action, subject, NOW, MATRIX, to)


def yes(answer: Answer) -> bool:
    return isinstance(answer, Allowed) and not answer.two and not answer.ids_only


def why(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Denied) else "yes"


def test_the_tables_are_the_four_and_every_role_stands_in_them() -> None:
    assert list(TABLES) == ["administration", "case", "document", "meeting"]
    assert {place.role for place in MATRIX.cells} == set(ROLES)


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_is_written_as_it_was_read(name: str) -> None:
    lines = TABLES[name].splitlines(keepends=True)
    cells = [(*cell.place[1:], written(cell), cell.condition, cell.source) for cell in parse(name, lines)]
    assert ["\t".join(cell) + "\n" for cell in cells] == lines[1:]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a\tb\tc", "eight columns"),
        ("case-file.read\t*\tB\t-\tnobody\t*\t\t", "no role"),
        ("case-file.read\t*\tB\t-\tarchivist\tz\t\t", "no scope"),
        ("case-file.read\t*\tB\t-\tarchivist\te/secret\t\t", "no scope"),
        ("case-file.read\t*\tB\t-\tarchivist\task\t\t", "no scope"),
    ],
)
def test_a_line_that_is_no_cell_is_refused_by_number(line: str, what: str) -> None:
    with pytest.raises(MatrixError, match=f"line 2: .*{what}"):
        list(parse("case", [TABLES["case"].splitlines()[0] + "\n", line + "\n"]))


def test_a_table_with_other_columns_is_refused() -> None:
    with pytest.raises(MatrixError, match="line 1"):
        list(parse("case", ["action\trole\n"]))


def test_two_cells_in_one_place_are_refused() -> None:
    with pytest.raises(MatrixError, match=r"case:case-file\.list"):
        gather([parse("case", TABLES["case"].splitlines()), parse("case", TABLES["case"].splitlines())])


def roles_that_may(action: str, to: str = "-") -> set[str]:
    given = ((place, cell) for place, cell in MATRIX.cells.items() if (place.action, place.to_status) == (action, to))
    return {place.role for place, cell in given if cell.reaches and not cell.mode}


def test_only_the_archive_and_its_services_journal() -> None:
    assert roles_that_may("registry-entry.change-status", "J") == {"archivist", "head-of-records", "service"}


def test_only_the_archive_and_its_services_open_a_case_for_processing() -> None:
    assert roles_that_may("case-file.create", "B") == {"archivist", "head-of-records", "service"}


@pytest.mark.parametrize("role", ["system-administrator", "user-administrator"])
def test_administrators_read_no_content(role: str) -> None:
    assert not any(role in roles_that_may(action) for action in ("document.read-file", "registry-entry.withdraw"))
    for action in ("case-file.read", "registry-entry.read", "document.read"):
        table = "case" if action.startswith("case") else "document"
        answer = asked(role, action, Subject(table, status="B" if table == "case" else "J", assessment=PUBLIC))
        assert not yes(answer)


def test_what_takes_two_is_never_given_to_one() -> None:
    for action in (
        "registry-entry.check",
        "registry-entry.release",
        "registry-entry.show-again",
        "matrix.confirm",
        "disposal.decide",
    ):
        assert roles_that_may(action) == set(), action


def test_whoever_has_no_right_is_denied_everything() -> None:
    for place in MATRIX.cells:
        subject = Subject(place.table, place.type, place.from_status, assessment=PUBLIC)
        assert may(Person("nobody"), place.action, subject, NOW, MATRIX, place.to_status) == Denied("no-right")


def test_an_action_that_stands_in_no_table_is_denied() -> None:
    assert why(asked("archivist", "case-file.burn", Subject("case", status="B"))) == "no-cell"


# -- time ------------------------------------------------------------------------------------------------------------------------


def in_force(**more: object) -> bool:
    given = {"first_day": DAY, "last_day": DAY, "decided_at": NOW.instant, **more}
    return Right("archivist", **given).in_force(NOW)  # type: ignore[arg-type]


def test_first_and_last_day_are_included() -> None:
    assert in_force()
    assert in_force(last_day=None)
    assert not in_force(first_day=DAY + timedelta(days=1), last_day=None)
    assert not in_force(first_day=DAY - timedelta(days=9), last_day=DAY - timedelta(days=1))


def test_a_right_waits_for_its_decision_and_ends_with_its_stop() -> None:
    later, now = NOW.instant + timedelta(microseconds=1), NOW.instant
    assert not in_force(decided_at=None)
    assert not in_force(decided_at=later)
    assert in_force(stopped_at=later)
    assert not in_force(stopped_at=now)


def test_a_right_that_is_not_in_force_is_named() -> None:
    answer = asked("archivist", "case-file.read", Subject("case", status="B"), decided_at=None)
    assert answer == Denied("not-in-force", ("7", "9"))


# -- reach -----------------------------------------------------------------------------------------------------------------------

CASE = Subject("case", status="B", units=(OWN, ABOVE), owner="kari", assessment=PUBLIC)


def test_the_archivist_reads_every_case_that_is_not_coded() -> None:
    for assessment in (NOT_ASSESSED, PUBLIC):
        assert yes(asked("archivist", "case-file.read", replace(CASE, units=(OTHER,), assessment=assessment)))


def test_what_is_not_assessed_is_read_by_handler_and_own_unit_only() -> None:
    letter = Subject("document", "I", "J", (OTHER,), assessment=NOT_ASSESSED)
    assert why(asked("caseworker", "registry-entry.read", letter)) == "not-assessed"
    assert yes(asked("caseworker", "registry-entry.read", replace(letter, handlers=frozenset({"per"}))))
    assert yes(asked("caseworker", "registry-entry.read", replace(letter, units=(OWN,))))
    assert yes(asked("caseworker", "registry-entry.read", replace(letter, assessment=PUBLIC)))


def test_a_manager_reaches_the_units_below() -> None:
    below = replace(CASE, assessment=NOT_ASSESSED)
    assert yes(asked("unit-manager", "case-file.read", below, unit=ABOVE))
    assert why(asked("caseworker", "case-file.read", below, unit=ABOVE)) == "not-assessed"


def test_a_right_without_a_unit_is_of_no_unit() -> None:
    assert not yes(asked("unit-manager", "case-file.assign", replace(CASE, units=()), unit=None))


def test_only_the_owner_retitles_and_only_while_the_case_is_open() -> None:
    mine = replace(CASE, owner="per")
    assert yes(asked("caseworker", "record.retitle", mine))
    assert why(asked("caseworker", "record.retitle", CASE)) == "out-of-scope"
    assert why(asked("caseworker", "record.retitle", replace(mine, status="A"))) == "no-cell"


def test_a_named_grant_counts_from_its_first_day_to_its_last() -> None:
    closed = replace(CASE, status="A", units=(OTHER,), assessment=NOT_ASSESSED)
    for first, last, expected in (
        (DAY, DAY, True),
        (DAY + timedelta(1), DAY + timedelta(9), False),
        (date.min, DAY - timedelta(1), False),
    ):
        answer = asked("caseworker", "case-file.read", replace(closed, grants=(Grant("per", first, last, ("31",)),)))
        assert yes(answer) is expected
    granted = asked("caseworker", "case-file.read", replace(closed, grants=(Grant("per", DAY, DAY, ("31",)),)))
    assert granted == Allowed("caseworker:n", ("7", "9", "31"))
    assert not yes(asked("caseworker", "case-file.read", replace(closed, grants=(Grant("ida", DAY, DAY),))))


def test_the_organ_of_a_right_is_the_only_one_it_reaches() -> None:
    paper = Subject("document", "S", "J", organ="kommunestyret", assessment=CODED, code="UO")
    elected = {"organs": frozenset({"kommunestyret"}), "codes": frozenset({"UO"})}
    assert yes(asked("elected", "document.read-file", paper, **elected))
    assert not yes(asked("elected", "document.read-file", replace(paper, organ="teknisk utvalg"), **elected))


# -- codes and groups ------------------------------------------------------------------------------------------------------------

SECRET = replace(CASE, assessment=CODED, code="UO", group="barnevern")


def test_coded_material_needs_clearance_and_group_whatever_the_scope() -> None:
    cleared, both = {"codes": frozenset({"UO"})}, {"codes": frozenset({"UO"}), "groups": frozenset({"barnevern"})}
    for role in ("archivist", "head-of-records", "auditor"):
        assert why(asked(role, "case-file.read", SECRET)) == "not-cleared"
        assert why(asked(role, "case-file.read", SECRET, codes=frozenset({"P"}))) == "not-cleared"
        assert why(asked(role, "case-file.read", SECRET, **cleared)) == "not-in-group"
        assert yes(asked(role, "case-file.read", SECRET, **both))
        assert yes(asked(role, "case-file.read", replace(SECRET, group=None), **cleared))


def test_a_code_that_is_not_known_is_read_by_nobody() -> None:
    assert why(asked("archivist", "case-file.read", replace(SECRET, code=None), codes=frozenset({"UO"}))) == "not-cleared"


def test_clearance_of_one_right_does_not_serve_another() -> None:
    person = Person("per", (right("caseworker"), right("caseworker", unit=OTHER, codes=frozenset({"UO"}))))
    mine = replace(SECRET, group=None)
    assert why(may(person, "case-file.read", mine, NOW, MATRIX)) == "not-public"
    owned = replace(mine, units=(OTHER,), owner="per")
    assert yes(may(person, "case-file.read", owned, NOW, MATRIX))


def test_the_row_of_a_coded_case_is_listed_for_those_in_reach() -> None:
    assert yes(asked("archivist", "case-file.list", SECRET))
    assert not yes(asked("caseworker", "case-file.list", replace(SECRET, units=(OTHER,))))


def test_an_administrator_is_told_that_it_is_there_and_no_more() -> None:
    answer = asked("system-administrator", "case-file.read", SECRET)
    assert isinstance(answer, Allowed)
    assert answer.ids_only


# -- conflicts -------------------------------------------------------------------------------------------------------------------


def test_a_party_and_a_disqualified_person_have_no_internal_access() -> None:
    assert why(asked("archivist", "case-file.read", replace(CASE, parties=frozenset({"per"})))) == "party"
    assert why(asked("archivist", "case-file.read", replace(CASE, disqualified=frozenset({"per"})))) == "disqualified"


def test_nobody_approves_an_own_text() -> None:
    draft = Subject("document", "U", "F", (OWN,), authors=frozenset({"per"}), put_to=frozenset({"per"}))
    for role in ("unit-manager", "caseworker"):
        assert why(asked(role, "registry-entry.change-status", draft, "G")) == "own-text"
        assert yes(asked(role, "registry-entry.change-status", replace(draft, authors=frozenset({"ida"})), "G"))


def test_nobody_orders_or_controls_for_himself() -> None:
    for role, action in (("unit-manager", "rights.order"), ("head-of-records", "rights.control")):
        order = Subject("administration", put_to=frozenset({"per"}), concerns="per")
        assert why(asked(role, action, order)) == "oneself"
        assert yes(asked(role, action, replace(order, concerns="ida")))


def test_the_second_person_is_another_one() -> None:
    entry = Subject("document", "U", "J", assessment=PUBLIC)
    first = asked("archivist", "registry-entry.check", entry)
    assert isinstance(first, Allowed)
    assert first.two
    assert why(asked("archivist", "registry-entry.check", replace(entry, before=frozenset({"per"})))) == "same-person"


def test_a_substitute_acts_on_what_is_the_others_and_never_for_the_other_or_oneself() -> None:
    theirs = replace(CASE, owner="kari")
    stand_in = right("caseworker", acting_for="kari")
    assert yes(may(Person("per", (stand_in,)), "record.retitle", theirs, NOW, MATRIX))
    for concerned in ("per", "kari"):
        order = Subject("administration", put_to=frozenset({"kari"}), concerns=concerned)
        assert (
            why(may(Person("per", (right("unit-manager", acting_for="kari"),)), "rights.order", order, NOW, MATRIX)) == "oneself"
        )


def test_a_proposal_or_a_question_is_no_yes() -> None:
    assert why(asked("unit-manager", "record.lower-screening", CASE)) == "propose"
    assert why(asked("caseworker", "case-file.change-status", replace(CASE, owner="per"), "U")) == "ask"


def test_the_reason_told_is_the_one_nearest_to_a_yes() -> None:
    person = Person("per", (right("auditor", decided_at=None), right("archivist"), right("caseworker")))
    assert why(may(person, "case-file.read", replace(SECRET, units=(OTHER,)), NOW, MATRIX)) == "not-cleared"


# -- changes of a cell -----------------------------------------------------------------------------------------------------------


def test_a_cell_that_was_changed_counts_from_its_day() -> None:
    place = Place("case", "record.retitle", "*", "A", "-", "archivist")
    changed = Cell(place, *scope("*"), rests_on=("50", "51"))
    matrix = Matrix(MATRIX.cells, (CellChange(changed, DAY),), MATRIX.actions)
    closed = replace(CASE, status="A")
    person = Person("per", (right("archivist"),))
    assert may(person, "record.retitle", closed, NOW, matrix.on(DAY)) == Allowed("archivist:*", ("7", "9", "50", "51"))
    assert why(may(person, "record.retitle", closed, NOW, matrix.on(DAY - timedelta(days=1)))) == "no-cell"


def test_a_cell_for_the_records_own_type_wins() -> None:
    incoming = Cell(Place("document", "registry-entry.read", "I", "J", "-", "archivist"), *scope("-"))
    matrix = Matrix({**MATRIX.cells, incoming.place: incoming})
    person = Person("per", (right("archivist"),))
    assert why(may(person, "registry-entry.read", Subject("document", "I", "J", assessment=PUBLIC), NOW, matrix)) == "no-cell"
    assert yes(may(person, "registry-entry.read", Subject("document", "U", "J", assessment=PUBLIC), NOW, matrix))
