"""What every page stands in: the template environment, the frame of values that the shell shows, and the headers of a page.

A template extends `shell.html`, fills the blocks `title` and `main`, and may use `t(key)`, `fmt_date`, `fmt_time`, `fmt_moment`,
`fmt_number`, `url(path)`, `static(name)` and `frame`. They belong to one request, so a macro file is imported `with context`.
No template holds a script or a style of its own: the content security policy refuses both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import jinja2

from api.web.texts import NAMES, Texts

TEMPLATES = Path(__file__).resolve().parent / "templates"
STATIC = Path(__file__).resolve().parent / "static"

# `data:` is for the icons that Designsystemet draws as masks in its own style sheet.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# An HTTP status without words of its own is told with those of the nearest one that has them.
_STATUS_WORDS: Mapping[int, tuple[str, str, str]] = {
    400: ("fault.400.what", "fault.400.why", "fault.400.next"),
    403: ("fault.403.what", "fault.403.why", "fault.403.next"),
    404: ("fault.404.what", "fault.404.why", "fault.404.next"),
    409: ("fault.409.what", "fault.409.why", "fault.409.next"),
    413: ("fault.413.what", "fault.413.why", "fault.413.next"),
    422: ("fault.422.what", "fault.422.why", "fault.422.next"),
    500: ("fault.500.what", "fault.500.why", "fault.500.next"),
    503: ("fault.503.what", "fault.503.why", "fault.503.next"),
}
_SAME_WORDS = {401: 403, 405: 404, 410: 404, 412: 409, 425: 503, 428: 409, 429: 503}


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """What the footer says of the open record chain: signed up to its head, waiting for the signer, or stopped by a fault.

    `position` is the number of events and `head` the hex chain hash; `signed_at` is the time of the last signed checkpoint. The
    footer never says "proved": only a checkpoint that is held outside the house can.
    """

    state: Literal["signed", "waiting", "stopped"]
    position: int
    head: str
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DemoBar:
    """The strip above a demonstration's pages: who the reader plays, among whom (id, name with role), and its clock."""

    actor: str
    people: tuple[tuple[str, str], ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Frame:
    """The values that the shell itself shows on one page.

    `path` is the page's own address without `prefix`, the tenant's (empty, or `/t/<name>`); `query` its query string without `?`.
    `person` is the name of whom is logged in, `acting_for` that of the one whose substitute acts; a `bare` page, of a visitor not
    known yet, has neither navigation nor search. `section` is the address for the navigation where it is not `path`: of a page
    that answers a form.
    """

    texts: Texts
    municipality: str
    path: str
    offered: tuple[str, ...]
    prefix: str = ""
    query: str = ""
    search: str = ""
    chain: ChainStatus | None = None
    demo: DemoBar | None = None
    person: str = ""
    bare: bool = False
    section: str = ""
    acting_for: str = ""

    @property
    def here(self) -> str:
        """The page's own address within the tenant: where a choice of language or person returns to."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def local_now(self) -> str:
        """The demonstration's local clock as the browser's date-and-time field writes it; empty outside a demonstration."""
        return f"{self.demo.now.astimezone(self.texts.zone):%Y-%m-%dT%H:%M}" if self.demo else ""

    @property
    def languages(self) -> tuple[tuple[str, str], ...]:
        """The languages of the switch as (code, name in that language)."""
        return tuple((code, NAMES[code]) for code in self.offered)

    def url(self, path: str, **query: object) -> str:
        """The address of a page of this tenant; a query value that is None or empty is left out."""
        kept = {name: str(value) for name, value in query.items() if value is not None and value != ""}
        return self.prefix + path + ("?" + urlencode(kept) if kept else "")

    def at(self, path: str) -> bool:
        """Whether the page stands at `path` or under it: the navigation marks it as the current one."""
        here = self.section or self.path
        return here == path or (path != "/" and here.startswith(path + "/"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What `error.html` tells: what happened, why, what to do next, a code to quote and a number in the operator's log; ask: the
    page where access to the closed record is asked for."""

    status: int
    what: str
    why: str
    next_step: str
    code: str = ""
    reference: str = ""
    ask: str = ""


def fault(texts: Texts, status: int, *, code: str = "", reference: str = "") -> Fault:
    """The general words for an HTTP status of 400 or above; a refusal that knows more builds its own Fault."""
    nearest = _SAME_WORDS.get(status, status)
    if nearest not in _STATUS_WORDS:
        nearest = 400 if status < 500 else 500
    what, why, next_step = (texts(key) for key in _STATUS_WORDS[nearest])
    return Fault(status, what, why, next_step, code, reference)


def local_path(wanted: str) -> str:
    """`wanted` where it is an address within this site, else the front page: a form's `next` comes from outside."""
    # Browsers read `//host` and `/\\host` as another site, and drop tabs and line ends before they look.
    if not wanted.startswith("/") or wanted[1:2] in ("/", "\\") or any(ord(sign) < 0x20 for sign in wanted):
        return "/"
    return wanted


@cache
def static(name: str) -> str:
    """The address of a static file with a piece of its digest, so that it may be cached for ever. Raises FileNotFoundError."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def environment(folder: Path = TEMPLATES) -> jinja2.Environment:
    """The template environment: everything is escaped, and a name that is not there is an error, never an empty string."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared: dict[str, Callable[[str], str]] = {"static": static}
    made.globals.update(shared)
    return made


def render(templates: jinja2.Environment, name: str, frame: Frame, **values: object) -> str:
    """The page `name` in its frame, with `values` of its own.

    Raises jinja2.TemplateError and MissingText for faults of the program.
    """
    words = frame.texts
    return templates.get_template(name).render(
        frame=frame,
        t=words,
        url=frame.url,
        fmt_date=words.date,
        fmt_time=words.time,
        fmt_moment=words.moment,
        fmt_number=words.number,
        **values,
    )
