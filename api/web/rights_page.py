"""The frame that the pages of rights share: their own navigation, showing what the reader may open, and their words."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from api import access_log, people
from api.requests import Caller
from api.web.page import page
from domain.handlers import rights, standing
from domain.model import codes
from domain.model.access import Subject
from domain.model.matrix import Cell, MatrixError, Reach, scope
from domain.model.order_difference import CODE, GROUP, ROLE, Entitlement
from domain.model.organisation import Organisation

_MODES = {"2": "two", "propose": "propose", "ask": "ask"}
_REACHES = {
    "*": "all",
    "e": "unit",
    "E": "units",
    "o": "owner",
    "h": "handler",
    "a": "author",
    "p": "put-to",
    "n": "named",
    "m": "organ",
    "i": "ids",
}


def rights_page(request: Request, me: Caller, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of rights. Its template has `tabs` (path, text key) and `called` (units, roles, codes, groups in words)."""
    behind = not me.up_to_date()
    called = Called(me, standing.of(me.tenant.ledger).organisation(fresh=False).state)
    return page(request, me, name, status=status, tabs=tabs(me), called=called, behind=behind, today=people.today(me), **values)


def tabs(me: Caller) -> list[tuple[str, str]]:
    """The pages that the reader may open."""
    own = Subject("administration", authors=frozenset(people.selves(me)), concerns=me.actor.id)
    manager = people.as_manager
    wanted = (
        ("/rights/me", "rights.tab.me", people.Query.READ_RIGHTS, own),
        ("/rights/order", "rights.tab.order", rights.Order.ACTION, manager),
        ("/rights/inbox", "rights.tab.inbox", people.Query.LIST_WAITING, None),
        ("/rights/urgent", "rights.tab.urgent", people.Query.LIST_WAITING, None),
        ("/rights/without-manager", "rights.tab.without-manager", people.Query.LIST_WAITING, None),
        ("/rights/execution", "rights.tab.execution", people.Query.LIST_EXECUTION, None),
        ("/rights/readings", "rights.tab.readings", access_log.ACTION, people.own_units(me)),
        ("/rights/review", "rights.tab.review", rights.Review.ACTION, manager),
        ("/people", "rights.tab.people", people.Query.LIST_PEOPLE, None),
        ("/organisation", "rights.tab.organisation", people.Query.READ_ORGANISATION, None),
        ("/roles", "rights.tab.roles", people.Query.READ_MATRIX, None),
    )
    return [(path, key) for path, key, action, subject in wanted if people.may(me, action, subject)]


class Called:
    """Units, roles, codes and groups as the reader's language calls them. Handed to the templates as `called`."""

    def __init__(self, me: Caller, state: Organisation) -> None:
        self._texts = me.texts
        self._name_of = me.name_of
        self._state = state

    def unit(self, unit: Any) -> str:
        """A unit's name; the whole municipality where the right is of no unit."""
        return people.unit_name(self._state, unit) or self._texts("rights.unit.none")

    def role(self, role: str) -> str:
        """A role's name."""
        return self._texts(f"role.{role}")

    def roles(self, some: list[str]) -> str:
        """Several roles on one line."""
        return ", ".join(self.role(one) for one in some) or "–"

    def code(self, code: str) -> str:
        """An access code with its name."""
        name = codes.name(codes.ACCESS_RESTRICTION, code, self._texts.language)
        return f"{code} ({name})" if name != code else code

    def group(self, group: str) -> str:
        """An access group's name."""
        found = self._state.groups.get(group)
        return found.name if found is not None else group

    def action(self, action: str) -> str:
        """What an action does."""
        return self._texts(f"action.{action}")

    def status(self, table: str, status: str) -> str:
        """A status of one of the rights tables; any status, and none, in words."""
        if status in ("-", "*"):
            return self._texts("matrix.status.any")
        if table == "meeting":
            return self._texts(f"meeting.status.{status}")
        which = codes.CASE_STATUS if table == "case" else codes.ENTRY_STATUS
        return f"{status} {codes.name(which, status, self._texts.language)}"

    def cell(self, cell: Cell) -> str:
        """Whom a cell reaches, in words."""
        return self._reaching(cell.mode, cell.reaches)

    def scope(self, text: str) -> str:
        """The same of a scope as the table writes it; the text itself where it is none."""
        try:
            mode, reaches = scope(text)
        except MatrixError:
            return text
        return self._reaching(mode, reaches) or "–"

    def place(self, cell: str) -> str:
        """Where a cell stands, by its id: role, action, type and statuses."""
        table, action, kind, before, after, role = cell.split(":")
        kinds = codes.name(codes.ENTRY_TYPE, kind, self._texts.language) if kind != "*" else ""
        leads = f"→ {self.status(table, after)}" if after != "-" else ""
        parts = (self.role(role) + ":", self.action(action), kinds, self.status(table, before), leads)
        return " ".join(one for one in parts if one)

    def _reaching(self, mode: str, reaches: tuple[Reach, ...]) -> str:
        said = [self._reach(one.letter, one.limit) for one in reaches]
        joined = self._texts("matrix.or.text").join(said)
        return f"{self._texts(f'matrix.mode.{_MODES[mode]}')} {joined}" if mode else joined

    def _reach(self, letter: str, limit: str) -> str:
        said = self._texts(f"matrix.reach.{_REACHES[letter]}")
        return f"{said} ({self._texts(f'matrix.limit.{limit}')})" if limit else said

    def entitlement(self, one: Entitlement) -> str:
        """What is gained or lost, in words."""
        names = {ROLE: self.role, CODE: self.code, GROUP: self.group}
        said = self._texts(f"rights.difference.{one.kind}", name=names[one.kind](one.value), unit=self.unit(one.unit))
        if one.acting_for is None:
            return said
        return f"{said} ({self._texts('rights.substitute.text', name=self._name_of(one.acting_for))})"
