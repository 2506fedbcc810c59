"""A unit as people see it, folded from its facts: the one fold behind the journal, a message's answer and the history slider.

A view is a JSON object. What came from a body that was destroyed is None ("erased by decision").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ledger.reader import Recorded
from domain.model import case_file as c
from domain.model import classification, document, fonds, record, series
from domain.model import registry_entry as e

View = dict[str, Any]
Fold = Callable[[View, Any, Recorded], None]
CASE, ENTRY, DOCUMENT = "case", "entry", "document"

_KINDS: dict[type, str] = {
    c.CaseFileCreated: CASE,
    e.EntryRegistered: ENTRY,
    document.DocumentCreated: DOCUMENT,
    series.SeriesCreated: "series",
    fonds.FondsCreated: "fonds",
    classification.SystemCreated: "classification-system",
    classification.ClassCreated: "class",
}


def plain(value: Any) -> Any:
    """A fact's value as JSON: dates and instants ISO, ids as text, dataclasses as objects without None."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date | UUID):
        return value.isoformat() if isinstance(value, date) else str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(one) for name, one in fields if one is not None and one != ()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def evolve(view: View | None, recorded: Recorded) -> View | None:
    """The view after one more fact; None for streams that are no unit (the chain's own)."""
    fact = recorded.fact
    kind = _KINDS.get(type(fact))
    if view is None:
        if kind is None:
            return None
        view = _begin(kind, recorded)
    fold = _FOLDS.get(type(fact))
    if fold is not None:
        fold(view, fact, recorded)
    view["version"] = recorded.version
    view["position"] = recorded.position
    view["changed_at"] = _at(recorded)
    view["changed_by"] = recorded.envelope.actor
    return view


def fold(records: Iterable[Recorded]) -> View | None:
    """The view of one unit from all its facts."""
    view: View | None = None
    for recorded in records:
        view = evolve(view, recorded)
    return view


def _begin(kind: str, recorded: Recorded) -> View:
    fact = recorded.fact
    view: View = {"id": str(recorded.stream), "kind": kind, "title": None}
    view.update({name: value for name, value in plain(fact).items() if name not in ("claims", "content", "body")})
    view["registered_at"] = _at(recorded)
    view["registered_by"] = recorded.envelope.actor
    view.setdefault("created_at", _at(recorded))
    view.setdefault("created_by", recorded.envelope.actor)
    view["command"] = recorded.envelope.cmd
    return view


def _at(recorded: Recorded) -> str:
    """When it was done; of a fact that does not say (the chain's own, or another program's), when it was recorded."""
    return recorded.envelope.at or plain(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=recorded.recorded_at_us))


def _body(fact: Any) -> View:
    """The fact's body as JSON; `erased` where it was destroyed."""
    return {"erased": True} if fact.body is None else dict(plain(fact.body))


def _titled(view: View, fact: record.Titled, _recorded: Recorded) -> None:
    body = _body(fact)
    view["title"] = body.get("title")
    view["public_title"] = body.get("public_title")
    view["description"] = body.get("description")
    view["title_erased"] = fact.body is None


def _put(part: str, key: str) -> Fold:
    """Keep a listed part (party, comment, …) under its id; the same id again replaces it where it stood."""

    def put(view: View, fact: Any, recorded: Recorded) -> None:
        one = {name: value for name, value in plain(fact).items() if name not in ("body", key)}
        if hasattr(fact, "body"):
            one.update(_body(fact))
        one["id"] = str(getattr(fact, key))
        one["by_command"] = recorded.envelope.cmd
        listed = view.setdefault(part, [])
        for at, old in enumerate(listed):
            if old["id"] == one["id"]:
                listed[at] = one
                return
        listed.append(one)

    return put


def _take(part: str, key: str) -> Fold:
    def take(view: View, fact: Any, _recorded: Recorded) -> None:
        view[part] = [one for one in view.get(part, []) if one["id"] != str(getattr(fact, key))]

    return take


def _words(name: str) -> Fold:
    def words(view: View, fact: Any, _recorded: Recorded) -> None:
        view[name] = _body(fact).get(name, [])

    return words


def _changed(view: View, fact: Any, _recorded: Recorded) -> None:
    """Fields of the fact replace the view's of the same name; `previous` is history."""
    view.update({name: value for name, value in plain(fact).items() if name not in ("previous", "claims", "released")})


def _case_status(view: View, fact: c.CaseStatusChanged, recorded: Recorded) -> None:
    view["status"] = fact.status
    if fact.status == "A":
        view["finalised_at"], view["finalised_by"] = _at(recorded), recorded.envelope.actor
    else:
        view.pop("finalised_at", None)
        view.pop("finalised_by", None)


def _status(status: str | None) -> Fold:
    def change(view: View, fact: Any, recorded: Recorded) -> None:
        view["status"] = status or fact.status
        if view["status"] == "A":
            view["archived_at"], view["archived_by"] = _at(recorded), recorded.envelope.actor
        if view["status"] == "J":
            view["journalled_at"] = _at(recorded)

    return change


def _screened(view: View, fact: record.Screened, _recorded: Recorded) -> None:
    view["screening"] = plain(fact)


def _unscreened(view: View, _fact: record.Unscreened, _recorded: Recorded) -> None:
    view.pop("screening", None)


def _graded(view: View, fact: record.Graded, _recorded: Recorded) -> None:
    view["grade"] = plain(fact)


def _external(view: View, fact: record.ExternalKeySet, _recorded: Recorded) -> None:
    view["external_key"] = _body(fact)


def _extended(view: View, fact: record.Extended, _recorded: Recorded) -> None:
    view.setdefault("extensions", {})[fact.element] = _body(fact).get("xml")


def _entry_status_noted(view: View, fact: c.EntryStatusNoted, _recorded: Recorded) -> None:
    for entry in view.get("entries", []):
        if entry["id"] == str(fact.entry):
            entry["status"] = fact.status


def _numbered(view: View, fact: e.EntryNumbered, _recorded: Recorded) -> None:
    view["journal_year"], view["journal_sequence"] = fact.journal_year, fact.journal_sequence
    view["journal_date"] = fact.journal_date.isoformat()


def _registered(view: View, fact: e.EntryRegistered, _recorded: Recorded) -> None:
    view["number"] = next((str(key) for kind, key in fact.claims if kind == "entry-number"), None)
    view["record_kind"] = fact.kind
    view["kind"] = ENTRY


def _created(view: View, fact: c.CaseFileCreated, _recorded: Recorded) -> None:
    view["number"] = f"{fact.year}/{fact.sequence}"


def _assigned(view: View, fact: e.EntryAssigned, _recorded: Recorded) -> None:
    handler, parties = plain(fact.case_handler), {str(party) for party in fact.parties}
    if not parties:
        view["case_handler"] = handler
    for party in view.get("parties", []):
        if party["id"] in parties:
            party["case_handler"] = handler


def _discarded(view: View, _fact: Any, _recorded: Recorded) -> None:
    view["discarded"] = True


def _finalised(view: View, _fact: Any, recorded: Recorded) -> None:
    view["finalised_at"], view["finalised_by"] = _at(recorded), recorded.envelope.actor


def _converted(view: View, fact: document.ObjectConverted, _recorded: Recorded) -> None:
    for one in view.get("objects", []):
        if one["id"] == str(fact.object_id):
            one.setdefault("conversions", []).append(plain(fact))


def _object_added(view: View, fact: document.ObjectAdded, recorded: Recorded) -> None:
    _put("objects", "object_id")(view, fact, recorded)
    one = view["objects"][-1]
    one.setdefault("created_at", _at(recorded))
    one.setdefault("created_by", recorded.envelope.actor)


def _linked(view: View, fact: e.DocumentLinked, recorded: Recorded) -> None:
    _put("documents", "document")(view, fact, recorded)
    one = view["documents"][-1]
    one.setdefault("linked_at", _at(recorded))
    one.setdefault("linked_by", recorded.envelope.actor)


_FOLDS: dict[type, Any] = {
    record.Titled: _titled,
    record.KeywordsSet: _words("keywords"),
    record.AuthorsSet: _words("authors"),
    record.Commented: _put("comments", "comment"),
    record.CommentRemoved: _take("comments", "comment"),
    record.PartRecorded: _put("parts", "part"),
    record.PartRemoved: _take("parts", "part"),
    record.CrossReferenced: _put("references", "reference"),
    record.CrossReferenceRemoved: _take("references", "reference"),
    record.Screened: _screened,
    record.Unscreened: _unscreened,
    record.Graded: _graded,
    record.Classified: _put("classes", "classification"),
    record.Declassified: _take("classes", "classification"),
    record.ExternalKeySet: _external,
    record.Extended: _extended,
    c.CaseFileCreated: _created,
    c.CaseStatusChanged: _case_status,
    c.CaseAssigned: _changed,
    c.CaseDated: _changed,
    c.CaseMoved: _changed,
    c.EntryAdded: _put("entries", "entry"),
    c.EntryStatusNoted: _entry_status_noted,
    c.CaseDiscarded: _discarded,
    e.EntryRegistered: _registered,
    e.EntryNumbered: _numbered,
    e.EntryStatusChanged: _status(None),
    e.EntryJournalled: _status("J"),
    e.EntryArchived: _status("A"),
    e.EntryDated: _changed,
    e.EntryTypeChanged: _changed,
    e.PartyRecorded: _put("parties", "party"),
    e.PartyRemoved: _take("parties", "party"),
    e.EntryAssigned: _assigned,
    e.SignedOff: _put("sign_offs", "sign_off"),
    e.SignOffRemoved: _take("sign_offs", "sign_off"),
    e.DocumentLinked: _linked,
    e.EntryDiscarded: _discarded,
    document.DocumentStatusChanged: _changed,
    document.DocumentTypeChanged: _changed,
    document.ObjectAdded: _object_added,
    document.ObjectConverted: _converted,
    series.SeriesStatusChanged: _changed,
    series.SeriesSucceeded: _changed,
    series.SeriesFinalised: _finalised,
    fonds.CreatorAdded: _put("creators", "creator_id"),
    fonds.FondsFinalised: _finalised,
    classification.ClassFinalised: _finalised,
}
