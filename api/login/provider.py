"""The municipality's OpenID provider: where a person is sent, and what comes back (OpenID Connect Core 1.0; RFC 7636, 9207).

Authorization code flow with PKCE (S256), state and nonce. The provider's addresses and keys come from its discovery document;
keys are asked for anew where a token names one that is not known, at most twice a minute.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.settings import Settings
from domain.ledger.faults import LedgerError

LARGEST = 1024 * 1024
KEPT_S, ASK_AGAIN_S = 3600.0, 30.0
TIMEOUT_S = 10.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ProviderAway(LedgerError):
    """The provider that logs people in does not answer as it should. Try again in a moment."""

    code = "login.provider_away"
    retry_after_s = 10


class CodeRefused(Exception):
    """The provider takes the code of this login for nothing: used before, expired, or another client's."""


@dataclass(frozen=True, slots=True)
class Client:
    """How the provider knows us. redirect: where it sends people back, exactly as registered."""

    issuer: str
    id: str
    secret: str
    redirect: str
    scope: str = "openid profile"
    acr: tuple[str, ...] = ()


@dataclass(slots=True)
class _Known:
    metadata: Mapping[str, Any]
    keys: KeySet
    since: float
    asked: float


class Provider:
    """One provider, its discovery document and keys remembered. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self._guard = threading.Lock()
        self._known: _Known | None = None
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=True)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def address(self, client: Client, state: str, nonce: str, verifier: str, *, again: bool = False) -> str:
        """Where a person is sent to log in. again: to show anew who it is, whatever session the provider has. ProviderAway."""
        asked = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect,
            "scope": client.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            **({"acr_values": " ".join(client.acr)} if client.acr else {}),
            **({"prompt": "login", "max_age": "0"} if again else {}),
        }
        return f"{self._metadata()['authorization_endpoint']}?{urlencode(asked)}"

    def names_itself(self) -> bool:
        """Whether the provider says who it is beside each code, so that one that does not is not its (RFC 9207)."""
        return self._metadata().get("authorization_response_iss_parameter_supported") is True

    def exchange(self, client: Client, code: str, verifier: str) -> str:
        """The ID token for a code. Raises CodeRefused, ProviderAway."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect, "code_verifier": verifier}
        headers = {"Accept": "application/json"}
        if client.secret:
            pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749 section 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form["client_id"] = client.id
        answer = self._ask("POST", str(self._metadata()["token_endpoint"]), data=form, headers=headers)
        if answer.status_code in (400, 401, 403):
            raise CodeRefused
        token = _json(answer).get("id_token")
        if not isinstance(token, str):
            raise ProviderAway("the provider gave no ID token")
        return token

    def keys(self, key_id: str | None) -> KeySet:
        """The provider's keys, asked for anew where `key_id` is none of them. ProviderAway."""
        with self._guard:
            known = self._current()
            names = {one.kid for one in known.keys.keys}
            if key_id is not None and key_id not in names and time.monotonic() - known.asked >= ASK_AGAIN_S:
                known.asked = time.monotonic()
                known.keys = self._key_set(known.metadata)
            return known.keys

    def _metadata(self) -> Mapping[str, Any]:
        with self._guard:
            return self._current().metadata

    def _current(self) -> _Known:
        now = time.monotonic()
        if self._known is None or now - self._known.since > KEPT_S:
            address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = _json(self._ask("GET", checked(address)))
            if metadata.get("issuer") != self.issuer:
                raise ProviderAway("the discovery document is another issuer's")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                checked(metadata.get(name))
            self._known = _Known(metadata, self._key_set(metadata), now, now - ASK_AGAIN_S)
        return self._known

    def _key_set(self, metadata: Mapping[str, Any]) -> KeySet:
        """Its public keys for signatures; a secret one in the list would let everybody sign who reads it."""
        listed = _json(self._ask("GET", str(metadata["jwks_uri"]))).get("keys")
        wanted = [
            {name: value for name, value in one.items() if name in _PUBLIC}
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": wanted})
        except (JoseError, ValueError, KeyError, TypeError) as problem:
            raise ProviderAway("the provider's keys cannot be read") from problem

    def _ask(self, method: str, address: str, **more: Any) -> httpx.Response:
        try:
            with self._http.stream(method, address, **more) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise ProviderAway("the provider's answer is too large")
                return httpx.Response(answer.status_code, content=bytes(body))
        except httpx.HTTPError as problem:
            raise ProviderAway(f"the provider does not answer: {type(problem).__name__}") from problem


_PUBLIC = frozenset({"kty", "n", "e", "crv", "x", "y", "kid", "alg", "use", "key_ops"})


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def checked(address: object) -> str:
    """An address that is encrypted, or on this machine. ProviderAway for any other."""
    found = urlsplit(address) if isinstance(address, str) else urlsplit("")
    if found.scheme == "https" or (found.scheme == "http" and found.hostname in _LOOPBACK):
        return str(address)
    raise ProviderAway(f"not an encrypted address: {str(address)[:200]}")


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if answer.status_code != 200 or not isinstance(found, dict):
        raise ProviderAway(f"the provider answered {answer.status_code}")
    return found
