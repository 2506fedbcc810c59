"""The parameters of a search: field, operator and values, each checked against what the field holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from api.fiks_arkiv import kept
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers.metadata import ExternalKey
from domain.ledger.clock import LOCAL
from projections.journal.fields import FIELDS, Condition, Field, Fields, Table, Value
from projections.journal.seen import Seen

MOST = 100
"""Most parameters, and most values of one."""
EXTERNAL = frozenset({"mappeEksternNoekkel", "registreringEksternId", "dokumentbeskrivelseEksternId"})
KEPT = {
    "sakMatrikkelnummerKommunenummer": ("matrikkelnummer", "kommunenummer"),
    "sakMatrikkelnummerGaardsnummer": ("matrikkelnummer", "gardsnummer"),
    "sakMatrikkelnummerBruksnummer": ("matrikkelnummer", "bruksnummer"),
    "sakMatrikkelnummerFestenummer": ("matrikkelnummer", "festenummer"),
    "sakMatrikkelnummerSeksjonsnummer": ("matrikkelnummer", "seksjonsnummer"),
    "sakByggidentBygningsnummer": ("byggident", "bygningsnummer"),
    "sakByggidentEndringsloepenummer": ("byggident", "endringsloepenummer"),
    "sakPlanidentStatLandkode": ("planident", "landkode"),
    "sakPlanidentFylkeFylkesnummer": ("planident", "fylkesnummer"),
    "sakPlanidentKommuneKommunenummer": ("planident", "kommunenummer"),
    "sakPlanidentPlanidentifikasjon": ("planident", "planidentifikasjon"),
}
"""Fields of what is kept unread: the element, and what stands in it."""


@dataclass(slots=True)
class Asked:
    """What the parameters together ask: all conditions, and only `ids` where they are given."""

    conditions: list[Condition] = field(default_factory=list)
    ids: list[UUID] | None = None
    words: str = ""

    def only(self, ids: Sequence[UUID]) -> None:
        """Only these units, of those that other parameters left."""
        self.ids = list(ids) if self.ids is None else [one for one in self.ids if one in set(ids)]


def asked(tenant: Tenant, connection: psycopg.Connection[Any], seen: Seen, definition: Node, table: Table) -> Asked:
    """What a definition with parameters asks. Raises InvalidMessage naming field and rule."""
    parameters = definition.nodes("parametere")
    if len(parameters) > MOST:
        raise InvalidMessage(f"A search has at most {MOST} parametere; it has {len(parameters)}.")
    wanted = Asked()
    for one in parameters:
        name, operator, values = str(one["felt"]), str(one["operator"]), one.node("sokVerdier")
        assert values is not None  # the grammar requires it
        if name in EXTERNAL:
            wanted.only(_by_external_key(tenant, one, name, operator, values))
        elif name in KEPT:
            wanted.only(_by_kept(tenant, connection, seen, one, name, operator, values))
        elif name == "sakBbox":
            wanted.only(_in_box(tenant, connection, seen, one, operator, values))
        elif name in FIELDS[table]:
            wanted.conditions.append(_condition(tenant, one, name, operator, values, FIELDS[table][name]))
        else:
            raise _refusal(one, f"{name} is not held by this archive and cannot be searched")
    return wanted


def _refusal(node: Node, rule: str) -> InvalidMessage:
    return InvalidMessage(f"Line {node.line}: {rule}.")


def _by_external_key(tenant: Tenant, node: Node, name: str, operator: str, values: Node) -> list[UUID]:
    key = values.node("eksternNoekkel")
    if key is None or operator != "equal":
        raise _refusal(node, f"{name} is searched with the operator equal and an eksternNoekkel")
    found = References(tenant.ledger).external(ExternalKey(str(key["fagsystem"]), str(key["noekkel"])))
    return [] if found is None else [found]


def _by_kept(
    tenant: Tenant, connection: psycopg.Connection[Any], seen: Seen, node: Node, name: str, operator: str, values: Node
) -> list[UUID]:
    element, inner = KEPT[name]
    given = {str(one) for one in _given(node, values)}
    if operator not in ("equal", "inlist") or (operator == "equal" and len(given) != 1):
        raise _refusal(node, f"{name} is searched with the operators equal (one value) and inlist")
    rows = Fields(tenant.name).extended(connection, element, seen)
    return [unit for unit, xml in rows if any(_texts(one.get(inner)) & given for one in kept.trees(xml))]


def _texts(value: Any) -> set[str]:
    """The values of an element, be it plain or coded."""
    return {str(one["kode"][0]) if isinstance(one, dict) else str(one) for one in value or ()}


def _in_box(
    tenant: Tenant, connection: psycopg.Connection[Any], seen: Seen, node: Node, operator: str, values: Node
) -> list[UUID]:
    box = values.node("bbox")
    low, high = (box.node("nedreVenstre"), box.node("oevreHoeyre")) if box is not None else (None, None)
    if box is None or low is None or high is None or operator != "equal":
        raise _refusal(node, "sakBbox is searched with the operator equal and a bbox")
    system = box.node("koordinatsystem")
    wanted = system.text("kode") if system is not None else None

    def inside(point: dict[str, Any]) -> bool:
        x, y = Decimal(point["x"][0]), Decimal(point["y"][0])
        return (
            wanted in _texts(point["koordinatsystem"])
            and low.decimal("x") <= x <= high.decimal("x")  # type: ignore[operator]  # the grammar requires them
            and low.decimal("y") <= y <= high.decimal("y")  # type: ignore[operator]
        )

    rows = Fields(tenant.name).extended(connection, "punkt", seen)
    return [unit for unit, xml in rows if any(inside(point) for point in kept.trees(xml))]


def _condition(tenant: Tenant, node: Node, name: str, operator: str, values: Node, of: Field) -> Condition:
    given = _classes(values) if name == "mappeKlassifikasjon" else _given(node, values)
    read = _READ[of.kind]
    converted: tuple[Value, ...]
    try:
        converted = tuple(read(one) for one in given)
    except ValueError:
        raise _refusal(node, f"{name} cannot be compared with the values that are given") from None
    if name == "mappeArkivdel":
        converted = tuple(_series(tenant, str(one)) for one in converted)
    wanted = {"between": 2, "inlist": len(converted)}.get(operator, 1)
    if name == "mappeKlassifikasjon" and operator == "equal":
        operator, wanted = "inlist", len(converted)
    if len(converted) != wanted or not converted:
        raise _refusal(
            node, f"{name} with the operator {operator} takes {wanted or 'one or more'} values; it has {len(converted)}"
        )
    if operator == "wildcardquery":
        if of.kind != "text":
            raise _refusal(node, f"{name} holds no text, so the operator wildcardquery cannot be used")
        return Condition(of, "wildcard", (_pattern(str(converted[0])),))
    return Condition(of, operator, converted)


def _given(node: Node, values: Node) -> list[Any]:
    groups = [values.node(name) for name in ("stringvalues", "datevalues", "intvalues")]
    found = [value for group in groups if group is not None for value in group.many("value")]
    if len(found) > MOST:
        raise _refusal(node, f"a parameter has at most {MOST} values; it has {len(found)}")
    return found


def _classes(values: Node) -> list[str]:
    """Each class as `<system>\\n<class id>`, as the field is compared."""
    group = values.node("mappeKlassifikasjon")
    found: list[list[str]] = []
    for name, text in _pairs(group) if group is not None else ():
        if name == "klassifikasjonssystemID" or not found or found[-1][1]:
            found.append(["", ""])
        found[-1][name == "klasseID"] = text
    return ["\n".join(one) for one in found]


def _pairs(group: Node) -> list[tuple[str, str]]:
    return [(name, child.lexical) for name, child in group.children if not isinstance(child, Node)]


def _series(tenant: Tenant, code: str) -> str:
    """The id of the series that messages call `code`; the code itself, which is no id, where there is none."""
    return str(tenant.ledger.reader.claim("series-code", code) or code)


def _pattern(text: str) -> str:
    r"""`*` and `?` as LIKE's `%` and `_`; LIKE's own signs mean themselves. Cost: a scan of the table."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _text(value: Any) -> str:
    return str(value)


def _number(value: Any) -> int:
    number = int(str(value))
    if not -(2**31) <= number < 2**31:
        raise ValueError(value)
    return number


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)


def _day(value: Any) -> date:
    return _moment(value).astimezone(LOCAL).date()


_READ: dict[str, Callable[[Any], Value]] = {"text": _text, "number": _number, "day": _day, "moment": _moment}
