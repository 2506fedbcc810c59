"""A login that goes out to the provider and comes back: each can come back once, to the browser that it left from."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.util import to_bytes

from api.login.id_token import Expected, Identity, TokenRefused, verified
from api.login.provider import Client, CodeRefused, Provider
from api.login.sessions import new_token
from api.login.store import LoginStore, token_digest
from api.settings import Settings

LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sent:
    """token: for the browser's cookie; address: where it is sent."""

    token: str
    address: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Somebody is back. onward: the page wanted; again: digest of the session that is to be made fresh, None at a login."""

    identity: Identity
    onward: str
    again: bytes | None


class Flow:
    """The logins of one tenant that are under way."""

    def __init__(self, store: LoginStore, provider: Provider, settings: Settings) -> None:
        self._store = store
        self._provider = provider
        self._settings = settings

    def client(self, prefix: str) -> Client:
        """How the provider knows this municipality. prefix: of its addresses."""
        wanted = self._settings
        redirect = f"{wanted.public_url.rstrip('/')}{prefix}/login/callback"
        secret = wanted.oidc_secret.get_secret_value()
        acr = tuple(wanted.oidc_acr.split())
        return Client(wanted.oidc_issuer, wanted.oidc_client, secret, redirect, wanted.oidc_scope, acr)

    def send(self, prefix: str, onward: str, at: datetime, again: bytes | None = None) -> Sent:
        """Begin a login. again: the session to be made fresh. Raises ProviderAway."""
        token, state, nonce, verifier = (new_token() for _ in range(4))
        address = self._provider.address(self.client(prefix), state, nonce, verifier, again=again is not None)
        with self._store.rows() as rows:
            rows.execute("delete from under_way where began_at < %s", (at - LASTS,))
            rows.execute(
                "insert into under_way values (%s, %s, %s, %s, %s, %s, %s)",
                (token_digest(token), token_digest(state), nonce, verifier, onward, at, again),
            )
        return Sent(token, address)

    def receive(self, prefix: str, token: str, answer: Mapping[str, str], at: datetime) -> Returned:
        """End a login by what the provider sent along. Raises TokenRefused, ProviderAway."""
        with self._store.rows() as rows:  # taken before anything is asked: a second use finds nothing
            row = rows.execute(
                "delete from under_way where token = %s returning state, nonce, verifier, onward, began_at, again",
                (token_digest(token),),
            ).fetchone()
        if row is None or at >= row[4] + LASTS:
            raise TokenRefused("answer.unasked")
        state, nonce, verifier, onward, began_at, again = row
        if not hmac.compare_digest(token_digest(answer.get("state", "")), bytes(state)):
            raise TokenRefused("answer.state")
        if answer.get("iss", "" if self._provider.names_itself() else self._provider.issuer) != self._provider.issuer:
            raise TokenRefused("answer.issuer")
        if "error" in answer or not answer.get("code"):
            raise TokenRefused("answer.error")
        try:
            id_token = self._provider.exchange(self.client(prefix), answer["code"], verifier)
        except CodeRefused:
            raise TokenRefused("answer.code") from None
        expected = self._expected(nonce, at, began_at if again is not None else None)
        identity = verified(id_token, self._provider.keys(_key_id(id_token)), expected)
        return Returned(identity, onward, bytes(again) if again is not None else None)

    def _expected(self, nonce: str, at: datetime, since: datetime | None) -> Expected:
        wanted = self._settings
        accepted = frozenset(wanted.oidc_acr.split()), frozenset(wanted.oidc_amr.split())
        return Expected(wanted.oidc_issuer, wanted.oidc_client, nonce, at, *accepted, since)


def _key_id(token: str) -> str | None:
    """Which key a token says it is signed with; nothing is believed before the signature is checked."""
    try:
        found = extract_compact(to_bytes(token)).headers().get("kid")
    except (JoseError, ValueError, TypeError, json.JSONDecodeError):
        return None
    return found if isinstance(found, str) else None
