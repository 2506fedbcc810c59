"""What a message points at: case files, registry entries, documents and series, by any of the keys that the protocol has."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from api.fiks_arkiv.node import Node
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers.metadata import ExternalKey, external_digest
from domain.ledger.ledger import Ledger
from domain.model.errors import NotFound
from domain.model.ids import CASE_NUMBER, ENTRY_NUMBER, EXTERNAL_KEY, JOURNAL_NUMBER, SERIES_CODE, case_number, entry_number
from domain.model.registry_entry import DocumentLinked

CASE, ENTRY, DOCUMENT = "case file", "registry entry", "document"
KINDS = {
    "referanseTilMappe": (CASE, "case-file"),
    "referanseTilRegistrering": (ENTRY, "registry-entry"),
    "referanseTilDokumentbeskrivelse": (DOCUMENT, "document"),
}
"""Element of a cross-reference -> what it names, and how the fact calls that."""


class References:
    """Look-ups through claims. begun: units of the command at work, by the digest of their external key."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.begun: dict[str, UUID] = {}
        self._of_kind: dict[str, Callable[[Node], dict[str, UUID | None]]] = {
            CASE: self._case_keys,
            ENTRY: self._entry_keys,
            DOCUMENT: self._document_keys,
        }

    def case(self, node: Node) -> UUID:
        """The case file of a `referanseTilMappe`. Raises NotFound, InvalidMessage."""
        return self.unit(node, CASE)

    def entry(self, node: Node) -> UUID:
        """The entry of a `referanseTilRegistrering` or `referanseTilJournalpost`."""
        return self.unit(node, ENTRY)

    def document(self, node: Node) -> UUID:
        """The document of a `referanseTilDokumentbeskrivelse`."""
        return self.unit(node, DOCUMENT)

    def unit(self, node: Node, what: str) -> UUID:
        """The one unit that all keys of a reference name."""
        keys = self._of_kind[what](node)
        if not keys:
            raise InvalidMessage(f"Line {node.line}: the reference to a {what} names nothing.")
        unknown = next((key for key, unit in keys.items() if unit is None), None)
        if unknown is not None:
            raise NotFound(what, unknown[:200])
        units = {unit for unit in keys.values() if unit is not None}
        if len(units) > 1:
            raise InvalidMessage(f"Line {node.line}: the keys {', '.join(keys)} name different units.")
        return units.pop()

    def series(self, code: str) -> UUID:
        """The series (arkivdel) that messages call `code`."""
        found = self.ledger.reader.claim(SERIES_CODE, code)
        if found is None:
            raise NotFound("series", code[:200])
        return found

    def external(self, key: ExternalKey) -> UUID | None:
        """The unit with an external key, of this command or stored."""
        digest = external_digest(self.ledger, key)
        return self.begun.get(digest) or self.ledger.reader.claim(EXTERNAL_KEY, digest)

    def by_identity(self, what: str, name: str, value: str) -> UUID | None:
        """The unit with a systemID, or a mappeID, registreringsID or `<year>/<sequence>` (name: number)."""
        if name == "systemID":
            unit = UUID(value)
            return unit if self.ledger.reader.stream(unit) else None
        kinds = {CASE: (CASE_NUMBER, CASE_NUMBER), ENTRY: (ENTRY_NUMBER, JOURNAL_NUMBER)}[what]
        return self.ledger.reader.claim(kinds[name == "number"], value)

    def begin(self, key: ExternalKey | None, unit: UUID) -> None:
        """A unit of this command answers to an external key from now on."""
        if key is not None:
            self.begun[external_digest(self.ledger, key)] = unit

    def _shared_keys(self, node: Node) -> dict[str, UUID | None]:
        keys: dict[str, UUID | None] = {}
        system_id, external = node.text("systemID"), node.node("referanseEksternNoekkel")
        if system_id is not None:
            unit = UUID(system_id)
            keys[f"systemID {unit}"] = unit
        if external is not None:
            key = ExternalKey(str(external["fagsystem"]), str(external["noekkel"]))
            keys[f"referanseEksternNoekkel {key.system} / {key.key}"] = self.external(key)
        return keys

    def _case_keys(self, node: Node) -> dict[str, UUID | None]:
        keys = self._shared_keys(node)
        numbers = [("mappeID", node.text("mappeID"))]
        number = node.node("saksnummer")
        if number is not None:
            numbers.append(("saksnummer", _case_number(number)))
        return keys | self._claimed(CASE_NUMBER, numbers)

    def _entry_keys(self, node: Node) -> dict[str, UUID | None]:
        keys = self._shared_keys(node) | self._claimed(ENTRY_NUMBER, [("registreringsID", node.text("registreringsID"))])
        journal, in_case = node.node("journalnummer"), node.node("saksJournalpostnummer")
        if journal is not None:
            number = f"{journal.number('journalaar')}/{journal.number('journalsekvensnummer')}"
            keys |= self._claimed(JOURNAL_NUMBER, [("journalnummer", number)])
        if in_case is not None:
            number = entry_number(_case_number(in_case), in_case.number("journalpostnummer") or 0)
            keys |= self._claimed(ENTRY_NUMBER, [("saksJournalpostnummer", number)])
        return keys

    def _document_keys(self, node: Node) -> dict[str, UUID | None]:
        keys = self._shared_keys(node)
        numbered = node.node("journalpostDokumentnummer")
        if numbered is not None:
            reference = numbered.node("referanseTilJournalpost")
            assert reference is not None  # the grammar requires it
            entry, number = self.entry(reference), numbered.number("dokumentnummer")
            keys[f"dokumentnummer {number}"] = self._document_of(entry, number)
        return keys

    def _document_of(self, entry: UUID, number: int | None) -> UUID | None:
        facts = (recorded.fact for recorded in self.ledger.reader.stream(entry))
        return next((fact.document for fact in facts if isinstance(fact, DocumentLinked) and fact.number == number), None)

    def _claimed(self, kind: str, numbers: list[tuple[str, str | None]]) -> dict[str, UUID | None]:
        return {f"{name} {key}": self.ledger.reader.claim(kind, key) for name, key in numbers if key is not None}


def _case_number(node: Node) -> str:
    return case_number(node.number("saksaar") or 0, node.number("sakssekvensnummer") or 0)
