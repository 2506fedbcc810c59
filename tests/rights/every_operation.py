"""Tries every operation of the program as everybody, on what is one's own, somebody else's and not there; says what is wrong."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from api.login.sessions import Factors
from domain.handlers.standing import SETTLES
from domain.model.access import Allowed, Answer, Person, Subject, may
from domain.model.login import LOCAL
from domain.model.matrix import gather, parse
from tests import tidy
from tests.login.town import Browser, Town
from tests.rights import sample
from tests.rights.operations import OPEN, Ask, Row
from tests.rights.sample import OF_PEOPLE, RECORDS, Sample

MATRIX = gather(
    parse(path.stem, path.read_text("utf-8").splitlines()) for path in sorted((tidy.ROOT / "domain/model/matrices").glob("*.tsv"))
)
CALLERS = ("siv.moe", "anne.berg", "kari.aas", "per.nes", "eli.rev", "nina.sol", "mona.hus", "rolf.eng")
ANONYMOUS = ""
OTHERS = ("ida.vik", "tor.lie")  # whose the objects are
YES, NO, HIDDEN, GONE, STRANGER = "yes", "no", "hidden", "gone", "stranger"
KNOWN = frozenset({"place", "spare", "change"})  # what stands in the organisation, which everybody may read
RIGHT = {YES: frozenset[int](), NO: {403}, HIDDEN: {404}, GONE: {403, 404, 422}}
# what no two answers share, whatever they are about
_SAME = [
    (re.compile(r'name="(token|once)" value="[^"]*"'), "<token>"),
    (re.compile(r"__Host-|dagbok_form[a-z_]*=[^;']*"), "<cookie>"),
    (re.compile(r"urn:uuid:[0-9a-f-]{36}"), "<reference>"),
]


@dataclass
class Tried:
    """What came of it. calls: how many; secret: pairs of answers that had to be alike; wrong: in words; yes: routes that somebody
    was let through."""

    calls: int = 0
    secret: int = 0
    wrong: list[str] = field(default_factory=list)
    yes: set[tuple[str, str]] = field(default_factory=set)


class House:
    """A town whose people are logged in, and the samples that they are tried on: made anew after each act that was done."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.house = town.house
        self.house.create_unit("Reserve", None)
        self.browsers: dict[str, Browser] = {}
        self.enter()
        self.browsers[ANONYMOUS] = town.browser()
        self.people = {one: sample.person(town, one) for one in CALLERS}
        self.absent = sample.absent(town)
        self.made = 0
        self.fresh = itertools.count()
        self.samples: dict[str, Sample] = {}
        self.used = {"own", "foreign"}

    def enter(self) -> None:
        """A session for everybody, as a login begins it: what is decided wants one of ten minutes."""
        logins = self.town.logins
        for one in (*CALLERS, *OTHERS):
            browser = self.browsers.setdefault(one, self.town.browser())
            browser.hold(logins.sessions.begin(self.house.people[one], Factors(LOCAL), "", logins.now()))

    def renew(self) -> None:
        """Fresh objects in place of those that an act was done on."""
        if not self.used:
            return
        self.made += 1
        for name in sorted(self.used):
            self.samples[name] = sample.made(self.town, self.browsers, self.made, own=name == "own")
        number = self.samples["foreign"].ids["number"].replace("2036", "2035")
        self.samples["absent"] = replace(self.absent, ids={**self.absent.ids, "number": number})
        self.town.clock.move_to(self.town.clock.now() + 2 * SETTLES)
        self.enter()
        self.used.clear()
        tenant = self.town.tenant
        assert tenant.wait(tenant.ledger.reader.head().position, 30)

    def expected(self, who: str, row: Row, on: Sample) -> str:
        """What the tables say of an operation."""
        if row.open_to == OPEN:
            return YES
        if who == ANONYMOUS:
            return STRANGER
        for ask in row.asks:
            subject = on.subject(ask, self.people[who])
            if subject is None:
                return GONE if ask.kind in KNOWN else HIDDEN
            answer = self.may(who, ask.action, subject, ask.to_status)
            if isinstance(answer, Allowed) and (not answer.ids_only or ask.kind == "rows" or ask.action.endswith(".list")):
                continue
            if not on.there and ask.kind in OF_PEOPLE:
                return GONE
            listing = RECORDS.get(ask.kind)
            if listing is None or isinstance(self.may(who, listing, subject), Allowed):
                return NO
            return HIDDEN
        kinds = {ask.kind for ask in row.asks}
        about = kinds & (RECORDS.keys() | OF_PEOPLE) or ("form" in kinds and "person" in row.names)
        return YES if on.there or not about else HIDDEN

    def may(self, who: str, action: str, subject: Subject, to_status: str = "-") -> Answer:
        """Asked of the tables as delivered."""
        person: Person = self.people[who]
        return may(person, action, subject, sample.moment(self.town), MATRIX, to_status)

    def secret(self, who: str, row: Row) -> bool:
        """Whether the caller may not learn that the foreign object is there."""
        if who == ANONYMOUS:
            return bool(row.names) and row.open_to != OPEN
        foreign = self.samples["foreign"]
        kinds = {"case" if ask.kind == "own-units" else ask.kind for ask in row.asks}
        if self.expected(who, row, foreign) == YES and "own-units" not in {ask.kind for ask in row.asks}:
            return False
        asks = [Ask(RECORDS[kind], "-", kind) for kind in kinds & RECORDS.keys()]
        # whoever orders rights looks people up by name, and whoever sees what waits sees for whom
        asks += [
            Ask(one, "-", kind) for kind in kinds & OF_PEOPLE for one in ("rights.read", "rights.order", "rights.list-waiting")
        ]
        return bool(asks) and not any(self._allowed(who, ask, foreign) for ask in asks)

    def _allowed(self, who: str, ask: Ask, on: Sample) -> bool:
        about = on.subject(ask._replace(kind="form") if ask.action == "rights.order" else ask, self.people[who])
        assert about is not None
        return isinstance(self.may(who, ask.action, about), Allowed)


def call(house: House, who: str, row: Row, on: Sample) -> tuple[Any, int]:
    """The answer to one call, and how many statements of SQL it took."""
    browser: Browser = house.browsers[who]
    ids = {**on.ids, "fresh": str(next(house.fresh))}
    with counted() as statements:
        sent = row.call(ids, _token(house, browser))
        answer = browser.client.request(row.method, row.address(ids), follow_redirects=False, **sent)
    return answer, len(statements)


def _token(house: House, browser: Browser) -> str:
    site = house.town.app.state.site
    nonce = site.unseal("nonce", browser.client.cookies.get("dagbok_form", ""))
    if not nonce:
        for path in ("/session", "/login"):  # whichever this visitor is shown
            browser.get(path)
        nonce = site.unseal("nonce", browser.client.cookies.get("dagbok_form", ""))
    return str(site.seal("form", nonce)) if nonce else ""


def fault(expected: str, row: Row, answer: Any) -> str:
    """What is wrong with an answer; empty where nothing is."""
    status, api = answer.status_code, row.path.startswith("/api/")
    if expected == STRANGER:
        login = answer.headers.get("location", "").startswith("/login?next=")
        right = status == 401 if api else status == 303 and login
    elif expected == YES:
        right = status in row.good and not answer.headers.get("location", "").startswith("/login?next=")
    else:
        right = status in RIGHT[expected]
    return "" if right else f"expected {expected}, was answered {status}: {_brief(answer)}"


def _brief(answer: Any) -> str:
    alert = re.search(r'role="alert".*?</div>', answer.text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", alert[0] if alert else answer.text))[-300:]


def plain(answer: Any, on: Sample) -> str:
    """An answer without the ids that it was asked with, and without what no two answers share."""
    text = f"{answer.status_code}\n{sorted(answer.headers.items())}\n{answer.text}"
    for one in sorted(on.ids.values(), key=len, reverse=True):
        text = text.replace(one, "<id>") if len(one) > 3 else text
    for pattern, instead in _SAME:
        text = pattern.sub(instead, text)
    return text


def attempt(house: House, rows: Sequence[Row], most: int = len(CALLERS)) -> Tried:
    """Every row on every sample, as so many of the callers, other ones from row to row, and as nobody."""
    told = Tried()
    for number, row in enumerate(rows):
        for at in range(most):
            _as_one(house, row, CALLERS[(number * most + at) % len(CALLERS)], told)
        _as_one(house, row, ANONYMOUS, told)
    return told


def _as_one(house: House, row: Row, who: str, told: Tried) -> None:
    said: dict[str, tuple[Any, int]] = {}
    for name in ("own", "foreign", "absent"):
        if name != "own" and not row.names:
            continue
        house.renew()
        on = house.samples[name]
        expected, secret = house.expected(who, row, on), house.secret(who, row)
        answer, statements = call(house, who, row, on)
        told.calls += 1
        said[name] = plain(answer, on), statements
        wrong = fault(expected, row, answer)
        if wrong:
            told.wrong.append(f"{row.method} {row.path} as {who or 'nobody'} on {name}: {wrong}")
        if expected == YES and row.open_to != OPEN:
            told.yes.add(row.route)
        if row.method not in ("GET", "HEAD") and answer.status_code in (200, 201, 303) and row.open_to == "":
            house.used |= {name} - {"absent"} if row.names - {"position", "fresh"} else set()
        if name == "absent" and secret:
            told.secret += 1
            told.wrong += _told_apart(row, who, said)


def _told_apart(row: Row, who: str, said: dict[str, tuple[Any, int]]) -> Iterator[str]:
    (foreign, some), (absent, none) = said["foreign"], said["absent"]
    where = f"{row.method} {row.path} as {who or 'nobody'}"
    if foreign != absent:
        at = next((n for n, (one, other) in enumerate(zip(foreign, absent, strict=False)) if one != other), 0)
        parts = [one[max(0, at - 80) : at + 80] for one in (foreign, absent)]
        yield f"{where}: another's is told from none: {parts}"
    # of people the words must be alike; how long it takes may tell of orders that are still to begin, which no id is guessed by
    if some != none and not {ask.kind for ask in row.asks} & OF_PEOPLE:
        yield f"{where}: {some} statements for another's, {none} for none"


@contextmanager
def counted() -> Iterator[list[Any]]:
    """The statements that requests run meanwhile."""
    found: list[Any] = []
    real = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *more: Any, **named: Any) -> Any:
        if "AnyIO" in threading.current_thread().name:
            found.append(query)
        return real(self, query, *more, **named)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield found
    finally:
        psycopg.Cursor.execute = real  # type: ignore[method-assign]
