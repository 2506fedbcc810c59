"""Registry entries: a new one with its first file, one with parties, documents and sign-offs, and what is done to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import commands, reads
from api.bodies import EntryChange, NewDocument, NewEntry, NewSignOff
from api.commands import Handle
from api.requests import Caller, caller_of
from api.uploads import Received
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward, page
from api.writes import Done, perform
from domain.handlers.work import Work
from domain.ledger.blobs import discard
from domain.ledger.identity import new_id
from domain.model.errors import NotFound, Refused
from domain.model.ids import ENTRY_NUMBER
from domain.model.registry_entry import EntryRegistered
from projections.view import CASE, ENTRY

router = APIRouter(include_in_schema=False)
# Who the other side of an entry is, by its type (M082 -> M087).
_PARTY_OF_TYPE = {"I": "EA", "U": "EM", "N": "IM", "X": "IM", "S": "IM"}


@router.get("/cases/{case}/entries/new")
def new(request: Request, case: UUID) -> HTMLResponse:
    """The form of a new entry in a case."""
    return _new(request, caller_of(request), case, Filled("entry"))


def _new(request: Request, me: Caller, case: UUID, form: Filled) -> HTMLResponse:
    one = reads.unit(me, CASE, case)
    return page(request, me, "entry_new.html", case=one, form=form, status=form.told.status if form.told else 200)


@router.post("/cases/{case}/entries")
def register(request: Request, case: UUID) -> Response:
    """Register an entry, with its file where one was chosen, as one act."""
    me = caller_of(request)
    fields: Mapping[str, str] = {}
    try:
        with forms.read_with_file(request, me) as form:
            fields = form.fields
            body = forms.parse(NewEntry, _entry_values(me, fields))
            unit, document = new_id(), new_id()
            document_body = _document_body(fields, body.title) if form.stored else None

            def handle(work: Work) -> None:
                commands.new_entry(work, unit, case, body)
                if document_body is not None:
                    _attach(work, document, unit, document_body, form)

            done = _done(me, (case,), handle, form, (case,))
    except forms.PROBLEMS as problem:
        return _new(request, me, case, forms.refused("entry", fields, problem, me))
    return onward(request, me, done, f"/entries/{done.unit(EntryRegistered)}")


@router.get("/entries/{entry}")
def show(request: Request, entry: UUID) -> HTMLResponse:
    """An entry with parties, documents and sign-offs."""
    return entry_page(request, caller_of(request), entry, Filled())


def entry_page(request: Request, me: Caller, entry: UUID, form: Filled) -> HTMLResponse:
    """The page of an entry, with a form that was refused where there is one."""
    one = reads.unit(me, ENTRY, entry)
    case = reads.above(me, CASE, UUID(one["case"]) if one.get("case") else None)
    documents = reads.documents_of(me, one)
    status = form.told.status if form.told else 200
    today = me.tenant.ledger.clock.now().astimezone(me.texts.zone).date()
    return page(request, me, "entry.html", entry=one, case=case, documents=documents, form=form, today=today, status=status)


@router.post("/entries/{entry}/status")
def change_status(request: Request, entry: UUID) -> Response:
    """Give the entry another status."""

    def handle(_: Caller, fields: Mapping[str, str]) -> Handle:
        body = forms.parse(EntryChange, {"status": fields.get("status")})
        tag = f'"{fields.get("version", "")}"'
        return commands.expecting(entry, tag, lambda work: commands.change_entry(work, entry, body))

    return _change(request, entry, "status", handle)


@router.post("/entries/{entry}/sign-offs")
def sign_off(request: Request, entry: UUID) -> Response:
    """Mark the entry as answered."""

    def handle(me: Caller, fields: Mapping[str, str]) -> Handle:
        answered_by = _entry_numbered(me, fields.get("answered_by", "").strip())
        wanted = {name: fields.get(name) for name in ("method", "signed_off_on", "party")}
        body = forms.parse(NewSignOff, {**wanted, "answered_by": answered_by})
        fresh = new_id()
        return lambda work: commands.sign_off(work, fresh, entry, body)

    return _change(request, entry, "sign-off", handle)


@router.post("/entries/{entry}/sign-offs/{sign_off_id}/take-back")
def take_back(request: Request, entry: UUID, sign_off_id: UUID) -> Response:
    """Take a sign-off back."""
    return _change(request, entry, "taken-back", lambda _, __: lambda work: commands.take_back(work, entry, sign_off_id))


@router.post("/entries/{entry}/documents")
def add_document(request: Request, entry: UUID) -> Response:
    """Add a document with its file."""
    me = caller_of(request)
    fields: Mapping[str, str] = {}
    try:
        with forms.read_with_file(request, me) as form:
            fields = form.fields
            if form.stored is None:
                raise Refused("file.missing", "2.7.4", {"element": "file"})
            body, fresh = _document_body(fields, ""), new_id()
            done = _done(me, (entry,), lambda work: _attach(work, fresh, entry, body, form), form, (entry,))
    except forms.PROBLEMS as problem:
        return entry_page(request, me, entry, forms.refused("document", fields, problem, me))
    return onward(request, me, done, f"/entries/{entry}")


def _change(request: Request, entry: UUID, name: str, handle: Any) -> Response:
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        done = perform(me, (entry,), handle(me, fields), key=forms.key_of(fields), given=(entry,))
    except forms.PROBLEMS as problem:
        return entry_page(request, me, entry, forms.refused(name, fields, problem, me))
    return onward(request, me, done, f"/entries/{entry}")


def _done(me: Caller, keys: tuple[UUID, ...], handle: Handle, form: Received, given: tuple[UUID, ...]) -> Done:
    done = perform(me, keys, handle, key=forms.key_of(form.fields), given=given)
    if done.repeated and form.stored is not None:  # where both came at once this one's bytes were stored too
        discard(me.tenant.ledger.blobs, form.stored.object_id)
    return done


def _attach(work: Work, document: UUID, entry: UUID, body: NewDocument, form: Received) -> None:
    assert form.stored is not None
    commands.new_document(work, document, entry, body, commands.given_object(body, form.stored, form.file_name))


def _document_body(fields: Mapping[str, str], title: str) -> NewDocument:
    wanted = {"title": fields.get("document_title", "").strip() or title, "association": fields.get("association")}
    return forms.parse(NewDocument, wanted)


def _entry_values(me: Caller, fields: Mapping[str, str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: fields.get(name) for name in _ENTRY_FIELDS}
    wanted["received_at"] = _received(me, fields.get("received_on", ""))
    if fields.get("party_name", "").strip():
        kind = _PARTY_OF_TYPE.get(fields.get("entry_type", ""), "EA")
        wanted["parties"] = [{"party_type": kind, "name": fields["party_name"], "is_person": "is_person" in fields}]
    return wanted


_ENTRY_FIELDS = ("title", "public_title", "entry_type", "status", "document_date", "due_date")


def _received(me: Caller, day: str) -> datetime | str | None:
    """The instant of a day of receipt: now where it is today, else noon of that day; text that is no day stays, to be refused."""
    if not day:
        return None
    now = me.tenant.ledger.clock.now()
    try:
        wanted = date.fromisoformat(day)
        local = datetime.combine(wanted, time(12), me.texts.zone)
        return now if wanted == now.astimezone(me.texts.zone).date() else local.astimezone(UTC)
    except (ValueError, OverflowError):
        return day


def _entry_numbered(me: Caller, number: str) -> UUID | None:
    """The entry that answers, by its number. Raises NotFound."""
    if not number:
        return None
    found = reads.numbered(me, ENTRY_NUMBER, number[:40])
    if found is None:
        raise NotFound("registry entry", number[:40])
    return found
