"""Searching the journal by fields, as KS Fiks Arkiv asks: conditions from a closed list of fields and operators.

No word of a message ever becomes SQL: fields, operators and orders pick constants of this module, everything else is a parameter.
Text is compared without regard to case; a moment equals another where both fall on one local day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from projections.journal.read import ASKED, WORDS
from projections.journal.seen import Seen
from projections.view import CASE, DOCUMENT, ENTRY, View

Kind = Literal["text", "number", "day", "moment"]
Table = Literal["cases", "entries", "documents"]
Value = str | int | date | datetime
ZONE = "Europe/Oslo"


@dataclass(frozen=True, slots=True)
class Field:
    """What a condition compares. expression: of the row; among: where a unit has several, what lists them as `one`."""

    kind: Kind
    expression: LiteralString
    among: LiteralString = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A field against values.

    operator: equal, notequal, between, lessthan, lessequal, greaterthan, greaterequal, inlist, or wildcard with a LIKE pattern.
    """

    field: Field
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for in a table: every condition holds. ids: only these units; words: free text; skip, take: rows."""

    table: Table
    conditions: Sequence[Condition] = ()
    ids: Sequence[UUID] | None = None
    words: str = ""
    kinds: Sequence[str] = ()
    in_case: bool = False
    orders: Sequence[tuple[str, bool]] = ()
    skip: int = 0
    take: int = 100


def _listed(part: LiteralString, key: LiteralString, kind: Kind = "text") -> Field:
    return Field(kind, "one->>'" + key + "'", "jsonb_array_elements(coalesce(view->'" + part + "', '[]')) as one")


def _address(part: LiteralString) -> Field:
    among: LiteralString = "jsonb_array_elements(coalesce(view->'" + part + "', '[]')) as party,"
    return Field("text", "one", among + " jsonb_array_elements_text(coalesce(party->'address', '[]')) as one")


def _person(part: LiteralString) -> Field:
    return Field("text", "one.value", "jsonb_each_text(coalesce(view->'" + part + "', '{}')) as one")


def _person_of_party(key: LiteralString, condition: LiteralString = "true") -> Field:
    among: LiteralString = "jsonb_array_elements(coalesce(view->'parties', '[]')) as party,"
    among += " jsonb_each_text(case when " + condition + " then coalesce(party->'" + key + "', '{}') else '{}' end) as one"
    return Field("text", "one.value", among)


_CREATED = Field("moment", "(view->>'created_at')::timestamptz")
_CHANGED = Field("moment", "changed_at::timestamptz")
_RESPONSIBLE: LiteralString = "(party->>'responsible')::boolean"


def _shared(prefix: str) -> dict[str, Field]:
    """Fields of every unit, as the protocol names them."""
    return {
        f"{prefix}OpprettetDato": _CREATED,
        f"{prefix}Tittel": Field("text", "title"),
        f"{prefix}SkjermingTilgangsrestriksjon": Field("text", "view->'screening'->>'access_restriction'"),
        f"{prefix}SkjermingSkjermingshjemmel": Field("text", "view->'screening'->>'authority'"),
        f"{prefix}SkjermingSkjermingsvarighet": Field("number", "(view->'screening'->>'duration_years')::integer"),
        f"{prefix}SkjermingSkjermingOpphoererDato": Field("day", "(view->'screening'->>'expires_on')::date"),
    }


def _parts(prefix: str, part: LiteralString, name: str) -> dict[str, Field]:
    return {
        f"{prefix}{name}": _listed(part, "name"),
        f"{prefix}Postadresse": _address(part),
        f"{prefix}Postnummer": _listed(part, "postcode"),
        f"{prefix}Poststed": _listed(part, "city"),
        f"{prefix}Epostadresse": _listed(part, "email"),
        f"{prefix}Organisasjonsid": _listed(part, "organisation_id"),
        f"{prefix}Personid": _listed(part, "person_id"),
    }


_CASES: dict[str, Field] = {
    **_shared("mappe"),
    **_parts("mappePart", "parts", "PartNavn"),
    "mappePartPartRolle": _listed("parts", "role"),
    "mappeBeskrivelse": Field("text", "view->>'description'"),
    "mappeNoekkelord": Field("text", "one", "jsonb_array_elements_text(coalesce(view->'keywords', '[]')) as one"),
    "mappeAvsluttetDato": Field("moment", "(view->>'finalised_at')::timestamptz"),
    "mappeArkivdel": Field("text", "view->>'series'"),
    "mappeEndretDato": _CHANGED,
    "mappeMappetype": Field("text", "view->>'file_type'"),
    "mappeKlasseKlassifikasjonssystemID": _listed("classes", "system"),
    "mappeKlasseKlasseID": _listed("classes", "class_id"),
    "mappeKlasseTittel": _listed("classes", "title"),
    "mappeKlassifikasjon": Field(
        "text",
        "coalesce(one->>'system', '') || E'\\n' || coalesce(one->>'class_id', '')",
        "jsonb_array_elements(coalesce(view->'classes', '[]')) as one",
    ),
    "sakSaksdato": Field("day", "case_date"),
    "sakSaksaar": Field("number", "year"),
    "sakSaksekvensnummer": Field("number", "sequence"),
    "sakSaksstatus": Field("text", "status"),
    "sakAdministrativenhet": _person("administrative_unit"),
    "sakSaksansvarlig": _person("case_responsible"),
}
_ENTRIES: dict[str, Field] = {
    **_shared("registrering"),
    **_parts("registreringPart", "parts", "PartNavn"),
    "registreringPartPartRolle": _listed("parts", "role"),
    "registreringEndretDato": _CHANGED,
    "registreringAdministrativenhet": _person_of_party("administrative_unit", _RESPONSIBLE),
    "registreringJournalpostansvarlig": _person_of_party("case_handler", _RESPONSIBLE),
    **_parts("registreringKorrespondansepart", "parties", "KorrespondansepartNavn"),
    "registreringKorrespondansepartKorrespondanseparttype": _listed("parties", "party_type"),
    "registreringKorrespondansepartForsendelsesmaate": _listed("parties", "dispatch_method"),
    "registreringKorrespondansepartDeresReferanse": _listed("parties", "their_reference"),
    "registreringKorrespondansepartAdministrativEnhet": _person_of_party("administrative_unit"),
    "registreringKorrespondansepartSaksbehandler": _person_of_party("case_handler"),
    "journalpostJournalaar": Field("number", "journal_year"),
    "journalpostJournalsekvensnummer": Field("number", "journal_sequence"),
    "journalpostSaksaar": Field("number", "(select c.year from {case_file} c where c.id = case_id)"),
    "journalpostSakssekvensnummer": Field("number", "(select c.sequence from {case_file} c where c.id = case_id)"),
    "journalpostJournalpostnummer": Field("number", "entry_number"),
    "journalpostJournalposttype": Field("text", "entry_type"),
    "journalpostJournalstatus": Field("text", "status"),
    "journalpostJournaldato": Field("day", "journal_date"),
    "journalpostDokumentetsdato": Field("day", "document_date"),
    "journalpostForfallsdato": Field("day", "(view->>'due_date')::date"),
}
_DOCUMENTS: dict[str, Field] = {
    **_shared("dokumentbeskrivelse"),
    "dokumentbeskrivelseDokumenttype": Field("text", "document_type"),
    "dokumentbeskrivelseDokumentstatus": Field("text", "status"),
}
FIELDS: Mapping[Table, Mapping[str, Field]] = {"cases": _CASES, "entries": _ENTRIES, "documents": _DOCUMENTS}
"""The fields of each table, by the protocol's names."""
ORDERS: Mapping[str, Sequence[LiteralString]] = {
    "mappeOpprettetDato": ("view->>'created_at' collate \"C\"",),
    "registreringOpprettetDato": ("view->>'created_at' collate \"C\"",),
    "opprettetDato": ("view->>'created_at' collate \"C\"",),
    "sakSaksaar-saksekvensnummer": ("year", "sequence"),
    "journalpostJournaldato": ("journal_date",),
    "journalpostJournalaar-journalsekvensnummer": ("journal_year", "journal_sequence"),
    "journalpostJournalpostnummer": ("entry_number",),
}
"""What each field to sort by means."""
_NEWEST: Mapping[Table, str] = {
    "cases": "sakSaksaar-saksekvensnummer",
    "entries": "journalpostJournalaar-journalsekvensnummer",
    "documents": "opprettetDato",
}
_COMPARED: Mapping[str, LiteralString] = {
    "lessthan": "{0} < {1}",
    "lessequal": "{0} <= {1}",
    "greaterthan": "{0} > {1}",
    "greaterequal": "{0} >= {1}",
    "between": "{0} between {1} and {2}",
}


_KINDS: Mapping[Table, tuple[str, str, str]] = {
    "cases": (CASE, "case_file", "coded_cases"),
    "entries": (ENTRY, "entry", "coded_entries"),
    "documents": (DOCUMENT, "document", "coded_documents"),
}


class Fields:
    """Searches over one tenant's journal projection; the caller has passed the gate. seen: of it, only what may be read is found,
    since an answer holds units whole; within `seen.passing` also what is coded."""

    def __init__(self, tenant: str) -> None:
        schema = f"{tenant}_p_journal"
        names = ("cases", "entries", "documents", "link", "object", *(name for of in _KINDS.values() for name in of[1:]))
        self._tables = {name: sql.Identifier(schema, name) for name in names}

    def _sql(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(**self._tables)

    def search(self, connection: psycopg.Connection[Any], query: Query, seen: Seen) -> tuple[list[View], int]:
        """The views of one page, and how many there are in all."""
        where, values = self._where(query, seen)
        table = self._tables[query.table]
        order = sql.SQL(", ").join(_order(query))
        page = sql.SQL("select view from {} where {} order by {} limit %(take)s offset %(skip)s").format(table, where, order)
        rows = connection.execute(page, values | {"take": query.take, "skip": query.skip}, prepare=False).fetchall()
        count = sql.SQL("select count(*) from {} where {}").format(table, where)
        total = connection.execute(count, values, prepare=False).fetchone()
        return [row[0] for row in rows], int(total[0]) if total else 0

    def _where(self, query: Query, seen: Seen) -> tuple[sql.Composable, dict[str, Any]]:
        kind, plain, coded = _KINDS[query.table]
        parts: list[sql.Composable] = [_readable(seen)]
        values: dict[str, Any] = {"words": query.words, "ids": list(query.ids or ()), "kinds": list(query.kinds)}
        values |= seen.values(kind)
        if query.table != "documents":
            parts.append(sql.SQL("not discarded"))
        if query.ids is not None:
            parts.append(sql.SQL("id = any(%(ids)s)"))
        if query.words:
            found = f"select id from {{}} where {WORDS} @@ {ASKED} union all select {{}}(%(words)s)"  # noqa: S608  of constants
            tables = self._tables[plain], self._tables[coded]
            parts.append(sql.SQL("id in ({})").format(sql.SQL(found).format(*tables)))  # pyright: ignore[reportArgumentType]
        if query.kinds:
            parts.append(sql.SQL("view->>'record_kind' = any(%(kinds)s)"))
        if query.in_case:
            parts.append(sql.SQL("case_id is not null"))
        for number, condition in enumerate(query.conditions):
            names = [f"v{number}_{at}" for at in range(len(condition.values))]
            values |= dict(zip(names, condition.values, strict=True))
            if condition.operator == "inlist":
                values[f"v{number}"] = [one.lower() if isinstance(one, str) else one for one in condition.values]
            parts.append(self._holds(condition, f"v{number}", names))
        return sql.SQL(" and ").join(parts), values

    def _holds(self, condition: Condition, name: str, names: Sequence[str]) -> sql.Composable:
        given = condition.field
        test = _test(given.kind, condition.operator, self._sql(given.expression), name, names)
        if given.among:
            test = sql.SQL("exists (select 1 from {} where {})").format(sql.SQL(given.among), test)
        return sql.SQL("not coalesce({}, false)").format(test) if condition.operator == "notequal" else test

    def views(self, connection: psycopg.Connection[Any], table: Table, ids: Iterable[str], seen: Seen) -> list[View]:
        """The views of these units."""
        kind = _KINDS[table][0]
        query = sql.SQL("select view from {} where id = any(%(ids)s::uuid[]) and {}").format(self._tables[table], _readable(seen))
        return [row[0] for row in connection.execute(query, {"ids": list(ids), **seen.values(kind)}, prepare=False)]

    def extended(self, connection: psycopg.Connection[Any], element: str, seen: Seen) -> list[tuple[UUID, str]]:
        """Every case file that keeps XML under a name, with that XML."""
        query = sql.SQL("{} and {}").format(
            self._sql("select id, view->'extensions'->>%(element)s from {cases} where view->'extensions'->>%(element)s <> ''"),
            _readable(seen),
        )
        rows = connection.execute(query, {"element": element, **seen.values(CASE)}, prepare=False)
        return [(row[0], str(row[1])) for row in rows]

    def entries_of(self, connection: psycopg.Connection[Any], documents: Iterable[str]) -> dict[str, str]:
        """The entry that each of these documents belongs to."""
        query = self._sql("select document, entry from {link} where document = any(%s::uuid[])")
        return {str(row[0]): str(row[1]) for row in connection.execute(query, (list(documents),))}

    def document_of(self, connection: psycopg.Connection[Any], object_id: UUID) -> UUID | None:
        """The document that an object belongs to, whether or not it may be read."""
        row = connection.execute(self._sql("select document from {object} where id = %s"), (object_id,)).fetchone()
        return row[0] if row else None


def _readable(seen: Seen) -> sql.Composable:
    return sql.SQL(seen.filter("read"))  # pyright: ignore[reportArgumentType]  of constants


def _test(kind: Kind, operator: str, expression: sql.Composable, name: str, names: Sequence[str]) -> sql.Composable:
    """The comparison. Equality of text leaves case aside, that of moments the hour."""
    values: list[sql.Composable] = [sql.Placeholder(one) for one in names]
    if operator == "wildcard":
        return sql.SQL("{} ilike {}").format(expression, values[0])
    if operator in _COMPARED:
        return sql.SQL(_COMPARED[operator]).format(expression, *values)
    if operator == "inlist":
        if kind == "moment":
            days = sql.SQL("select {} from unnest({}::timestamptz[]) as each").format(
                _local_day(sql.SQL("each")), sql.Placeholder(name)
            )
            return sql.SQL("{} in ({})").format(_local_day(expression), days)
        left = sql.SQL("lower({})").format(expression) if kind == "text" else expression
        return sql.SQL("{} = any({})").format(left, sql.Placeholder(name))
    if kind == "text":
        return sql.SQL("lower({}) = lower({})").format(expression, values[0])
    if kind == "moment":
        return sql.SQL("{} = {}").format(_local_day(expression), _local_day(sql.SQL("{}::timestamptz").format(values[0])))
    return sql.SQL("{} = {}").format(expression, values[0])


def _local_day(expression: sql.Composable) -> sql.Composable:
    return sql.SQL("(({}) at time zone {})::date").format(expression, sql.Literal(ZONE))


def _order(query: Query) -> list[sql.Composable]:
    """As asked, else the newest number first; the id last, so that pages never overlap."""
    orders = query.orders or ((_NEWEST[query.table], True),)
    found: list[sql.Composable] = []
    for name, falling in orders:
        direction = sql.SQL(" desc nulls last") if falling else sql.SQL(" asc nulls last")
        found += [sql.SQL(expression) + direction for expression in ORDERS[name]]
    return [*found, sql.SQL("id")]
