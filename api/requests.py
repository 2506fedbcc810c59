"""Whose request it is: municipality, actor, language; and the sealed marks that a reader brings back (cursor, position, form).

Where rights are in use the actor is the session's; before that it is a setting and, in the demonstration, a choice among its
people. It is never read from a header.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import Request

from api import players, tokens
from api.installation import Installation, Tenant
from api.login.logins import Logins
from api.login.provider import Provider
from api.login.sessions import Session
from api.seals import Seals
from api.settings import LOOPBACK
from api.web import shell
from api.web.texts import COOKIE as LANGUAGE_COOKIE
from api.web.texts import Catalogues, Texts
from domain.handlers import standing
from domain.handlers.gate import Actor
from domain.handlers.people import acting, acting_for, name_of
from domain.handlers.work import Context
from domain.ledger.clock import SetClock
from domain.model.access_log import API, PAGE, AccessRead
from domain.model.errors import Refused
from domain.model.login import ABSOLUTE, IDLE, NO_RIGHT
from domain.model.user import SERVICE

PERSON_COOKIE = "dagbok_person"
ACTING_COOKIE = "dagbok_acting_for"
SESSION_COOKIE = "dagbok_session"
POSITION_COOKIE = "dagbok_position"
POSITION_HEADER = "X-Position"
TENANT = "dagbok.tenant"
ENDED = {NO_RIGHT: "login.right_ended", IDLE: "login.over", ABSOLUTE: "login.over"}

Scope = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demo:
    """What makes an installation a demonstration. people: (id, name with role) whom a visitor may play; clock: theirs to move."""

    people: tuple[tuple[str, str], ...]
    clock: SetClock


class Site:
    """What every request shares: the opened municipalities, the catalogues, the templates, and the key of its seals."""

    def __init__(self, installation: Installation, demo: Demo | None = None) -> None:
        self.settings = installation.settings
        self.demo = demo
        self.catalogues = Catalogues()
        self.templates = shell.environment()
        names = [self.settings.tenant] if self.settings.tenant else installation.tenant_names()
        self.tenants: Mapping[str, Tenant] = {name: installation.open(name) for name in names}
        self.municipalities: dict[str, str] = {}  # tenant -> the name on its pages, once read
        self._opened: set[str] = set()
        self.provider = Provider(self.settings) if self.settings.oidc_issuer else None
        self.logins: Mapping[str, Logins] = {
            name: Logins(installation, tenant, self.provider) for name, tenant in self.tenants.items() if demo is None
        }
        self._seals = Seals(installation.keys.secret("web-seal").encode())

    def place(self, scope: Scope) -> Scope:
        """The scope with its municipality: by host name, else by the prefix `/t/<name>`, else the only one (CONTRACT §6)."""
        placed = dict(scope)
        by_host = self._by_host(host_of(scope))
        parts = scope["path"].split("/", 3)
        if by_host is None and len(parts) > 2 and parts[1] == "t":
            placed[TENANT] = parts[2] if parts[2] in self.tenants else None
            placed["root_path"] = f"/t/{parts[2]}"
            if len(parts) == 3:  # `/t/fjordvik` means its front page
                placed["path"] += "/"
        else:
            placed[TENANT] = by_host or (next(iter(self.tenants)) if len(self.tenants) == 1 else None)
        return placed

    def _by_host(self, host: str) -> str | None:
        for name, tenant in self.tenants.items():
            if host == tenant.domain or host.endswith(f".{tenant.domain}"):
                return name
        return None

    def knows_host(self, host: str) -> bool:
        """Whether a request for this host is for us. While anybody on the machine acts without login, a public name that an
        attacker points at the loopback address (DNS rebinding) must not be answered; names without a dot are never public."""
        if self.settings.host not in LOOPBACK:
            return True
        return "." not in host or _is_address(host) or self._by_host(host) is not None

    def tenant(self, request: Request) -> Tenant:
        """The request's municipality. Refused `tenant.unknown`."""
        name = request.scope.get(TENANT)
        if name is None:
            raise Refused("tenant.unknown")
        return self.tenants[name]

    def actor(self, request: Request) -> Actor:
        """Who acts, as `who` says."""
        return self.who(request)[0]

    def who(self, request: Request) -> tuple[Actor, Session | None]:
        """Who acts, with the session: its person, or the one chosen in the demonstration; where rights are not in use yet, the
        setting. An empty actor is refused by the gate. Refused `login.required` where a session is wanted and there is none, and
        once `login.right_ended` or `login.over` where it ends with this request."""
        ledger = self.tenant(request).ledger
        if self.demo is not None:
            played = players.actor(dict(self.demo.people), self.tenant(request), self.played(request))
            return acting_for(ledger, played, request.cookies.get(ACTING_COOKIE, "")), None
        logins = self.logins_for(request)
        if logins is None:
            return acting(ledger, self.settings.actor), None
        if is_machine(request):
            return self._service(request), None
        session, ended = logins.look(self.cookie(request, SESSION_COOKIE))
        if session is None:
            raise Refused(ENDED.get(ended, "login.required"), "4.1.1")
        return logins.actor(session), session

    def _service(self, request: Request) -> Actor:
        """The service whose bearer token the request carries, on REST alone. Refused `service.token`."""
        tenant = self.tenant(request)
        name = tokens.holder(self.settings.secrets, tenant.name, request.headers.get("authorization"))
        known = standing.of(tenant.ledger)
        person = known.called(f"service:{name}") if name is not None and name != tokens.IDM else None
        user = known.person(person).file.user if person is not None else None
        if person is None or user is None or user.kind != SERVICE:
            raise Refused("service.token", "4.1.1")
        return Actor(person, user.name)

    def logins_for(self, request: Request) -> Logins | None:
        """The logins of the request's municipality; None in a demonstration, and where rights are not in use yet."""
        tenant = self.tenant(request)
        if self.demo is not None:
            return None
        if tenant.name not in self._opened:  # it is opened once, and for good
            if standing.of(tenant.ledger).organisation().state.opened is None:
                return None
            self._opened.add(tenant.name)
        return self.logins[tenant.name]

    def encrypted(self, request: Request) -> bool:
        """Whether people reach this page over TLS, by us or by what stands before us."""
        return request.url.scheme == "https" or self.settings.public_url.startswith("https://")

    def cookie_name(self, request: Request, name: str) -> str:
        """The name of a login's cookie, one a municipality. Under `__Host-` no other host of the domain can set it."""
        return f"{'__Host-' if self.encrypted(request) else ''}{name}_{self.tenant(request).name}"

    def cookie(self, request: Request, name: str) -> str:
        """The value of a login's cookie; empty where there is none."""
        return request.cookies.get(self.cookie_name(request, name), "")[:200]

    def close(self) -> None:
        """Close what only the site uses."""
        for logins in self.logins.values():
            logins.close()
        if self.provider is not None:
            self.provider.close()

    def played(self, request: Request) -> str:
        """Whom the visitor of a demonstration plays, as its menu names them (`players`); empty outside one."""
        known = dict(self.demo.people) if self.demo is not None else {}
        wanted = request.cookies.get(PERSON_COOKIE, "")
        chosen = players.chosen(known, self.tenant(request), wanted) if known else None
        return chosen or next(iter(known), "")

    def texts(self, request: Request) -> Texts:
        """The words in the reader's language."""
        offered = self.catalogues.offered
        default = self.settings.language if self.settings.language in offered else "nb"
        wanted = request.headers.get("accept-language")
        return self.catalogues.texts(self.catalogues.negotiate(request.cookies.get(LANGUAGE_COOKIE), wanted, default))

    def seal(self, purpose: str, text: str) -> str:
        """`text` in a form that only this installation can have made, for one purpose."""
        return self._seals.seal(purpose, text)

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """The text of a seal of that purpose, or None for anything else."""
        return self._seals.unseal(purpose, sealed)


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's municipality, actor and language. prefix: of its addresses, empty or `/t/<name>`; face: `page` or `api`;
    shown: what the access log was told of this request; session: None before rights are in use, in a demonstration and of a
    machine; machine: a service with its token, which shows no more than that; late: not empty once a wait was in vain."""

    site: Site
    tenant: Tenant
    actor: Actor
    texts: Texts
    prefix: str
    seen: str
    face: str = PAGE
    shown: list[AccessRead] = field(default_factory=list)
    session: Session | None = None
    machine: bool = False
    late: list[str] = field(default_factory=list)

    def context(self, idempotency_key: str | None = None) -> Context:
        """The context of a command or read."""
        return Context(self.actor, idempotency_key=idempotency_key)

    def name_of(self, person: str) -> str:
        """The name of an actor id; the id itself where nobody is known under it."""
        found = name_of(self.tenant.ledger, person)
        return found if found != person or self.site.demo is None else dict(self.site.demo.people).get(person, person)

    def up_to_date(self) -> bool:
        """Wait, at most `read_wait_ms` a request, until the journal shows what this reader has written; False where some of this
        request's answer may have been read before it did."""
        chain_id, _, position = self.seen.rpartition("#")
        if (
            not position.isascii()
            or not position.isdigit()
            or len(position) > 18
            or chain_id != self.tenant.ledger.writer.chain_id
        ):
            return True
        if not self.late:
            head = self.tenant.ledger.reader.head().position  # a position that was never written is not waited for
            if not self.tenant.wait(min(int(position), head), self.site.settings.read_wait_ms / 1_000):
                self.late.append(position)
        return not self.late

    def after(self, position: str) -> Caller:
        """The same caller, having just written up to `<chain_id>#<position>`."""
        return replace(self, seen=position)


def is_machine(request: Request) -> bool:
    """Whether a request comes with a token instead of a session; only REST takes one."""
    return route_path(request.scope).startswith("/api/") and "authorization" in request.headers


def site_of(request: Request) -> Site:
    """The site of a request."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site


def caller_of(request: Request) -> Caller:
    """The caller of a request. Refused `tenant.unknown`."""
    site = site_of(request)
    seen = request.headers.get(POSITION_HEADER) or site.unseal("position", request.cookies.get(POSITION_COOKIE, "")) or ""
    prefix = str(request.scope.get("root_path", ""))
    actor, session = site.who(request)
    machine = site.demo is None and session is None and is_machine(request)
    face = API if route_path(request.scope).startswith("/api/") else PAGE
    tenant, texts = site.tenant(request), site.texts(request)
    return Caller(site, tenant, actor, texts, prefix, seen[:400], face, session=session, machine=machine)


def tenant_for(request: Request) -> Tenant:
    """The request's municipality. Refused `tenant.unknown`."""
    return site_of(request).tenant(request)


def actor_for(request: Request) -> Actor:
    """Who acts in the request."""
    return site_of(request).actor(request)


def host_of(scope: Scope) -> str:
    """The host name of a request, lower case, without port; empty where it names none."""
    for name, value in scope.get("headers", ()):
        if name == b"host":
            host = value.decode("latin-1").lower()
            return str(host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0])
    return ""


def route_path(scope: Scope) -> str:
    """The path within the municipality."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(prefix) or "/"


def secure_cookie(request: Request) -> dict[str, Any]:
    """The marks of every cookie of ours: not for scripts, not across sites, not in clear where the page is encrypted."""
    return {"httponly": True, "samesite": "strict", "secure": site_of(request).encrypted(request), "path": "/"}


def digest_of(*parts: Any) -> str:
    """A short digest of a query, so that a cursor holds for that query only."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
