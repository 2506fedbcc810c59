"""Logging in at a certified OpenID provider: what counts, and each thing that does not. Before and after every refusal the same
login, unchanged, is let in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from tests.fixtures_staff import Staffed
from tests.login import providing
from tests.login.providing import CLIENT, SECRET, Provider
from tests.login.town import Town, opened_town

WHO = "siv.moe"


class Visit:
    """A browser that goes to the municipality and to the provider."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = httpx.Client(follow_redirects=False, timeout=20)

    def go(self, address: str) -> httpx.Response:
        """One step. What a server sets as a cookie the browser keeps."""
        return self.client.get(address)

    def to_callback(self, path: str = "/login/oidc?next=/journal") -> str:
        """Log in at the provider, as far as the address that it sends the browser back to."""
        answer = self.go(self.world.home + path)
        for _ in range(10):
            assert answer.status_code in (302, 303), (answer.status_code, answer.text[:500])
            where = str(httpx.URL(str(answer.request.url)).join(answer.headers["location"]))
            if where.startswith(self.world.home + "/login/callback"):
                return where
            answer = self.go(where)
        raise AssertionError("the provider never sent the browser back")

    def log_in(
        self, change: Callable[[str], str] = lambda address: address, path: str = "/login/oidc?next=/journal"
    ) -> httpx.Response:
        """The whole login; `change` alters the address on the way back."""
        return self.go(change(self.to_callback(path)))

    def forget_provider(self) -> None:
        """Log out at the provider alone."""
        for one in [one for one in self.client.cookies.jar if not one.name.startswith("dagbok_")]:
            self.client.cookies.jar.clear(one.domain, one.path, one.name)

    def is_in(self) -> bool:
        return self.go(self.world.home + "/session").status_code == 200


class World:
    """The municipality on a real server, and its provider."""

    def __init__(self, town: Town, provider: Provider, home: str) -> None:
        self.town, self.provider, self.home = town, provider, home
        self.visits: list[Visit] = []

    def visit(self) -> Visit:
        self.visits.append(Visit(self))
        return self.visits[-1]

    def let_in(self) -> None:
        """The control: the same login, unchanged."""
        self.provider.changes.clear()
        self.provider.next_login(WHO)
        visit = self.visit()
        answer = visit.log_in()
        assert (answer.status_code, answer.headers.get("location")) == (303, "/journal"), answer.text[:1500]
        assert visit.is_in()

    def refusals(self) -> list[str]:
        return [fact["reason"] for _, fact, _ in self.town.facts("login.refused.v1")]

    def refused(self, reason: str, act: Callable[[Visit], httpx.Response]) -> httpx.Response:
        before = len(self.refusals())
        visit = self.visit()
        answer = act(visit)
        self.provider.changes.clear()
        assert answer.status_code == 403, (reason, answer.status_code)
        assert self.refusals()[before:] == [reason]
        assert not visit.is_in()
        return answer


@contextmanager
def served(app: Any, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def world(staffed_now: Staffed) -> Iterator[World]:
    port = providing.free_port()
    home = f"http://127.0.0.1:{port}"
    with providing.running(f"{home}/login/callback") as provider:
        settings = {"public_url": home, "oidc_issuer": provider.issuer, "oidc_client": CLIENT, "oidc_acr": "two"}
        with opened_town(staffed_now, **settings, oidc_secret=SecretStr(SECRET)) as town, served(town.app, port):
            made = World(town, provider, home)
            try:
                yield made
            finally:
                for visit in made.visits:
                    visit.client.close()


def with_query(address: str, **changed: str | None) -> str:
    """The address with some of its query changed (None: left out)."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    kept = {name: value for name, value in {**asked, **changed}.items() if value is not None}
    return address.partition("?")[0] + "?" + urlencode(kept)


def test_two_factors_are_let_in_and_one_is_refused(world: World) -> None:
    world.let_in()
    (fact,) = [fact for _, fact, _ in world.town.facts("login.logged-in.v1")]
    assert (fact["method"], fact["acr"], fact["amr"]) == ("oidc", "two", ["pwd", "otp", "mfa"])
    assert fact["person"] == str(world.town.house.people[WHO])
    for acr, amr in (("one", ("pwd",)), (None, ("pwd",)), ("one", None), (None, None), ("TWO", ("MFA",))):
        world.provider.next_login(WHO, acr, amr)
        answer = world.refused("token.one-factor", lambda visit: visit.log_in())
        assert "bare én faktor" in answer.text
    for acr, amr in (("two", ("pwd",)), ("one", ("pwd", "mfa"))):
        world.provider.next_login(WHO, acr, amr)
        assert world.visit().log_in().status_code == 303
    world.let_in()


def test_claims_that_do_not_count_are_refused(world: World) -> None:
    provider = world.provider
    now = int(world.town.logins.now().timestamp())
    cases: list[tuple[str, dict[str, Any]]] = [
        ("token.expired", {"exp": now - 61}),
        ("token.no-exp", {"exp": None}),
        ("token.times", {"exp": "2099-01-01"}),
        ("token.times", {"exp": True}),
        ("token.times", {"iat": now + 300}),
        ("token.times", {"iat": now - 700}),
        ("token.no-iat", {"iat": None}),
        ("token.times", {"nbf": now + 300}),
        ("token.audience", {"aud": "another"}),
        ("token.audience", {"aud": [CLIENT, "another"]}),
        ("token.audience", {"aud": []}),
        ("token.audience", {"azp": "another"}),
        ("token.no-aud", {"aud": None}),
        ("token.nonce", {"nonce": "another"}),
        ("token.no-nonce", {"nonce": None}),
        ("token.issuer", {"iss": "https://evil.example"}),
        ("token.issuer", {"iss": provider.issuer + "/"}),
        ("token.no-iss", {"iss": None}),
        ("token.no-sub", {"sub": None}),
        ("token.no-sub", {"sub": ""}),
        ("token.one-factor", {"acr": None, "amr": "mfa"}),
        ("token.one-factor", {"acr": ["two"], "amr": None}),
        ("unknown-person", {"preferred_username": None}),
        ("unknown-person", {"preferred_username": "no.body"}),
        ("unknown-person", {"preferred_username": ["siv.moe"]}),
    ]
    provider.next_login(WHO)
    for reason, claims in cases:
        provider.changes["/token"] = provider.resigned(**claims)
        world.refused(reason, lambda visit: visit.log_in())
        provider.changes["/token"] = provider.resigned()  # the control: signed anew as well, and nothing changed
        visit = world.visit()
        assert visit.log_in().status_code == 303, claims
        assert visit.is_in()
        provider.changes.clear()


def test_signatures_that_do_not_count_are_refused(world: World) -> None:
    provider = world.provider
    public = provider.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    foreign = providing.other_key()

    def signed(**header: Any) -> Callable[[Any], Any]:
        key = header.pop("key", None)
        return lambda answer: {**answer, "id_token": provider.sign(provider.claims(answer), key, **header)}

    earlier: list[str] = []
    provider.changes["/token"] = lambda answer: earlier.append(answer["id_token"]) or answer
    assert world.visit().log_in().status_code in (303, 403)
    cases: list[tuple[str, Callable[[Any], Any]]] = [
        ("token.signature", signed(key=foreign)),
        ("token.signature", signed(key=providing.other_key("k9"), kid="k9")),
        ("token.signature", signed(key=foreign, jwk=foreign.as_dict(private=False))),
        ("token.signature", provider.unsigned),
        ("token.signature", provider.under_secret(public)),
        ("token.signature", provider.under_secret(public.strip())),
        ("token.signature", provider.under_secret(SECRET.encode())),
        ("token.signature", provider.forged(preferred_username="anne.berg")),
        ("token.signature", lambda answer: {**answer, "id_token": answer["id_token"][:-6] + "AAAAAA"}),
        ("token.signature", lambda answer: {**answer, "id_token": "a.b.c"}),
        ("token.form", lambda answer: {**answer, "id_token": "a.b.c.d.e"}),
        ("token.form", lambda answer: {**answer, "id_token": ""}),
        ("token.form", lambda answer: {**answer, "id_token": provider.sign(["no", "claims"])}),
        ("token.nonce", lambda answer: {**answer, "id_token": earlier[0]}),
    ]
    world.let_in()
    for reason, change in cases:
        provider.changes["/token"] = change
        world.refused(reason, lambda visit: visit.log_in())
    world.let_in()


def replayed(visit: Visit) -> httpx.Response:
    address = visit.to_callback()
    assert visit.go(address).status_code == 303
    visit.client.cookies.delete(f"dagbok_session_{visit.world.town.tenant.name}")
    return visit.go(address)


def in_another_browser(visit: Visit) -> httpx.Response:
    return visit.go(visit.world.visit().to_callback())


def code_of_another(visit: Visit) -> httpx.Response:
    """A stolen code, put into one's own login: the verifier is another (RFC 7636)."""
    stolen = parse_qs(urlsplit(visit.world.visit().to_callback()).query)["code"][0]
    return visit.log_in(lambda address: with_query(address, code=stolen))


def code_used_before(visit: Visit) -> httpx.Response:
    other = visit.world.visit()
    address = other.to_callback()
    assert other.go(address).status_code == 303
    used = parse_qs(urlsplit(address).query)["code"][0]
    return visit.log_in(lambda fresh: with_query(fresh, code=used))


def older_of_two(visit: Visit) -> httpx.Response:
    first = visit.to_callback()
    visit.to_callback()  # a second login begun in the same browser
    return visit.go(first)


def changed(**query: str | None) -> Callable[[Visit], httpx.Response]:
    return lambda visit: visit.log_in(lambda address: with_query(address, **query))


def test_answers_that_were_not_asked_for_are_refused(world: World) -> None:
    cases: list[tuple[str, Callable[[Visit], httpx.Response]]] = [
        ("answer.unasked", replayed),
        ("answer.unasked", in_another_browser),
        ("answer.code", code_of_another),
        ("answer.code", code_used_before),
        ("answer.state", older_of_two),
        ("answer.state", changed(state="x" * 43)),
        ("answer.state", changed(state=None)),
        ("answer.issuer", changed(iss="https://evil.example")),
        ("answer.issuer", changed(iss=None)),
        ("answer.error", changed(code=None, error="access_denied")),
        ("answer.error", changed(error="access_denied")),
        ("answer.error", changed(code=None)),
        ("answer.code", changed(code="made-up")),
        ("answer.state", lambda visit: visit.log_in(lambda address: address + "&code=x")),
        ("answer.unasked", lambda visit: visit.go(world.home + "/login/callback?code=x&state=y")),
    ]
    for reason, act in cases:
        world.let_in()
        world.refused(reason, act)
    world.let_in()


def test_somebody_without_a_right_is_refused_in_words(world: World) -> None:
    world.let_in()
    world.town.stop(WHO)
    answer = world.refused("no-right", lambda visit: visit.log_in())
    assert "Du har ingen rettigheter her i dag" in answer.text


def test_the_provider_may_change_its_keys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = world.provider
    world.let_in()
    fresh = providing.curve_key("k2")

    def keys(answer: Any) -> Any:
        return {"keys": [*answer["keys"], fresh.as_dict(private=False)]}

    def resigned(answer: Any) -> Any:
        return {**answer, "id_token": provider.sign(provider.claims(answer), fresh, alg="ES256", kid="k2")}

    provider.changes.update({"/token": resigned})
    world.refused("token.signature", lambda visit: visit.log_in())  # asked for anew, and not there
    asked = provider.asked.count("/jwks")
    provider.changes.update({"/jwks": keys, "/token": resigned})
    world.refused("token.signature", lambda visit: visit.log_in())  # there, but asked for a moment ago
    assert provider.asked.count("/jwks") == asked
    monkeypatch.setattr("api.login.provider.ASK_AGAIN_S", 0.0)
    provider.changes.update({"/jwks": keys, "/token": resigned})
    assert world.visit().log_in().status_code == 303


def test_an_act_that_decides_asks_the_provider_again(world: World) -> None:
    provider = world.provider
    provider.next_login(WHO)
    visit = world.visit()
    assert visit.log_in().status_code == 303
    name = f"dagbok_session_{world.town.tenant.name}"
    held = visit.client.cookies[name]
    again = "/login/oidc?again=true&next=/log"
    answer = visit.log_in(path=again)
    assert (answer.status_code, answer.headers["location"]) == (303, "/log")
    assert visit.client.cookies[name] != held
    (fact,) = [fact for _, fact, _ in world.town.facts("login.stepped-up.v1")]
    assert (fact["method"], fact["acr"]) == ("oidc", "two")

    def stale(answer: Any) -> Any:
        return provider.resigned(auth_time=int(world.town.logins.now().timestamp()) - 300)(answer)

    before = visit.client.cookies[name]
    for change in (stale, provider.resigned(auth_time=None)):
        provider.changes["/token"] = change
        assert visit.log_in(path=again).status_code == 403
    provider.changes.clear()
    provider.next_login("per.nes")
    visit.forget_provider()
    refused = visit.log_in(path=again)
    assert refused.status_code == 403
    assert "en annen" in refused.text
    assert world.refusals() == ["token.not-fresh", "token.not-fresh", "other-person"]
    assert visit.client.cookies[name] == before
    assert len(world.town.facts("login.stepped-up.v1")) == 1
    assert world.visit().go(world.home + again).headers["location"].startswith("/login?next=")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/.well-known/openid-configuration", lambda answer: {**answer, "issuer": "https://evil.example"}),
        ("/.well-known/openid-configuration", lambda answer: {**answer, "token_endpoint": "http://evil.example/token"}),
        ("/.well-known/openid-configuration", lambda answer: b"x"),
        ("/jwks", lambda answer: {"keys": [{"kty": "RSA", "n": "", "e": ""}]}),
    ],
    ids=["issuer", "clear", "garbage", "keys"],
)
def test_a_provider_that_is_not_as_it_should_be_sends_nobody_anywhere(world: World, path: str, change: Any) -> None:
    world.provider.changes[path] = change
    answer = world.visit().go(world.home + "/login/oidc")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    world.let_in()


def test_the_provider_is_asked_as_the_profile_wants_it(world: World) -> None:
    answer = world.visit().go(world.home + "/login/oidc?next=//evil.example")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{world.home}/login/callback"]
    assert all(len(asked[name][0]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")}) == 3
    assert asked["acr_values"] == ["two"]
    assert "evil" not in answer.headers["location"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
