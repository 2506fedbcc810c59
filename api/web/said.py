"""How the values of a view are said on a page: days, instants, codes, names and sizes in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from api.web.texts import Texts
from domain.model import codes

LISTS: Mapping[str, codes.CodeList] = {
    "case": codes.CASE_STATUS,
    "entry": codes.ENTRY_STATUS,
    "document": codes.DOCUMENT_STATUS,
    "type": codes.ENTRY_TYPE,
    "party": codes.PARTY_TYPE,
    "method": codes.SIGN_OFF_METHOD,
    "association": codes.ASSOCIATION,
    "variant": codes.VARIANT,
    "restriction": codes.ACCESS_RESTRICTION,
}
_COLOURS = {"A": "neutral", "U": "danger", "J": "success", "E": "success", "B": "info"}


class Lenient(dict[str, Any]):
    """A view in a template: what a unit does not have is None there, not a misspelt name."""

    def __missing__(self, key: str) -> None:
        return None


def lenient(value: Any) -> Any:
    """A value with every view in it made lenient."""
    if isinstance(value, dict):
        return Lenient({name: lenient(one) for name, one in value.items()})
    return [lenient(one) for one in value] if isinstance(value, list) else value


class Said:
    """A view's values in words. Handed to every template as `say`."""

    def __init__(self, texts: Texts, name_of: Callable[[str], str]) -> None:
        self._texts = texts
        self._name_of = name_of

    def day(self, value: date | str | None) -> str:
        """A day, given as such or as ISO text of a day or instant; a dash where there is none."""
        if not value:
            return "–"
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        return self._texts.date(value)

    def moment(self, value: datetime | str | None) -> str:
        """An instant with its local clock; a dash where there is none."""
        if not value:
            return "–"
        return self._texts.moment(datetime.fromisoformat(value) if isinstance(value, str) else value)

    def code(self, which: str, code: str | None) -> str:
        """The name of a code of one of LISTS; a dash where there is none."""
        return codes.name(LISTS[which], code, self._texts.language) if code else "–"

    def choices(self, which: str, only: str = "") -> list[tuple[str, str]]:
        """(code, name) of a list in its order; only: the codes wanted, where not all are."""
        return [(code, self.code(which, code)) for code in LISTS[which] if not only or code in only.split()]

    def colour(self, status: str) -> str:
        """The colour of a status tag; it never says more than the word in it."""
        return _COLOURS.get(status, "warning")

    def person(self, actor: str | None) -> str:
        """Who acted, by name."""
        return self._name_of(actor) if actor else "–"

    def named(self, one: Mapping[str, Any] | None) -> str:
        """A person or unit of a view (M305-M307)."""
        return str(one["name"]) if one and one.get("name") else "–"

    def address(self, contact: Mapping[str, Any]) -> str:
        """The postal address of a party on one line."""
        place = " ".join(str(contact[part]) for part in ("postcode", "city") if contact.get(part))
        return ", ".join([*contact.get("address", ()), *([place] if place else [])])

    def size(self, count: int | str) -> str:
        """A file's size: bytes, kB or MB of 1 000."""
        size = int(count)
        for unit, limit in (("byte", 1_000), ("kB", 1_000_000), ("MB", 1_000_000_000)):
            if size < limit:
                return f"{self._texts.number(max(size * 1_000 // limit, 1))} {unit}"
        return f"{self._texts.number(size // 1_000_000_000)} GB"
