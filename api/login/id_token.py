"""What an ID token must say before it counts (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725; ASVS 5.0, 9.1, 9.2 and 10.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import to_bytes

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
LEEWAY_S, OLDEST_S = 60, 600
_HOLDS = ("iss", "sub", "aud", "exp", "iat", "nonce")


class TokenRefused(Exception):
    """The token does not count. reason: a stable code for the access log; acr, amr: what it said of the factors, where it got
    that far."""

    def __init__(self, reason: str, acr: str | None = None, amr: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.acr = acr
        self.amr = amr


@dataclass(frozen=True, slots=True)
class Expected:
    """What this login's token has to say. acr, amr: values that stand for two factors; shown_since: the person must have shown
    who it is after this instant."""

    issuer: str
    client: str
    nonce: str
    at: datetime
    acr: frozenset[str]
    amr: frozenset[str]
    shown_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token that counts says. claims: all of them; acr, amr: of the factors."""

    claims: Mapping[str, Any]
    acr: str | None
    amr: tuple[str, ...]


def verified(token: str, keys: KeySet, expected: Expected) -> Identity:
    """The identity that a token vouches for. Raises TokenRefused."""
    claims = _signed(token, keys)
    missing = [name for name in _HOLDS if name not in claims]
    if missing:
        raise TokenRefused(f"token.no-{missing[0]}")
    if claims["iss"] != expected.issuer:
        raise TokenRefused("token.issuer")
    if claims["aud"] not in (expected.client, [expected.client]) or claims.get("azp", expected.client) != expected.client:
        raise TokenRefused("token.audience")
    if claims["nonce"] != expected.nonce:
        raise TokenRefused("token.nonce")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise TokenRefused("token.no-sub")
    _timely(claims, expected)
    return _two_factors(claims, expected)


def _signed(token: str, keys: KeySet) -> Mapping[str, Any]:
    """The claims under a signature by one of the keys, with an algorithm that needs the provider's private key."""
    if token.count(".") != 2:
        raise TokenRefused("token.form")
    try:
        found = jws.deserialize_compact(to_bytes(token), keys, algorithms=list(ALGORITHMS))
        claims = json.loads(found.payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise TokenRefused("token.signature") from None
    if not isinstance(claims, dict):
        raise TokenRefused("token.form")
    return claims


def _timely(claims: Mapping[str, Any], expected: Expected) -> None:
    now = expected.at.timestamp()
    times = {name: claims[name] for name in ("exp", "iat", "nbf", "auth_time") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        raise TokenRefused("token.times")
    if times["exp"] <= now - LEEWAY_S:
        raise TokenRefused("token.expired")
    if times["iat"] > now + LEEWAY_S or times["iat"] < now - OLDEST_S or times.get("nbf", 0) > now + LEEWAY_S:
        raise TokenRefused("token.times")
    if expected.shown_since is not None and times.get("auth_time", 0) < expected.shown_since.timestamp() - LEEWAY_S:
        raise TokenRefused("token.not-fresh")


def _two_factors(claims: Mapping[str, Any], expected: Expected) -> Identity:
    """A token counts where its `acr`, or one of its `amr`, stands for two factors. Nothing said is one factor."""
    acr, amr = claims.get("acr"), claims.get("amr")
    said = acr if isinstance(acr, str) else None
    methods = tuple(one for one in amr if isinstance(one, str)) if isinstance(amr, Sequence) and not isinstance(amr, str) else ()
    if said not in expected.acr and not expected.amr & set(methods):
        raise TokenRefused("token.one-factor", said, methods)
    return Identity(claims, said, methods)
