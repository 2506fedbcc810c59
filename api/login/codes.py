"""One-time codes of a generator (TOTP, RFC 6238), and the recovery codes for the day it is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from domain.ledger.identity import new_secret

STEP_S, DIGITS, SECRET_BYTES = 30, 6, 20
DRIFT = (0, -1, 1)  # RFC 6238 section 5.2: one step for a clock that is off and a hand that is slow
RECOVERY_CODES = 10


def step_of(at: datetime) -> int:
    """The time step of an instant."""
    return int(at.timestamp()) // STEP_S


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step."""
    return HOTP(secret, DIGITS, SHA1(), enforce_key_length=False).generate(step).decode()  # noqa: S303 what every generator does


def step_matched(secret: bytes, code: str, at: datetime) -> int:
    """The time step whose code this is, around now; 0 where it is none."""
    found = 0
    for drift in DRIFT:  # all are compared: time must not tell which was near
        step = step_of(at) + drift
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def address(secret: bytes, user_name: str, municipality: str) -> str:
    """What a generator reads: an otpauth address."""
    label = quote(f"{municipality}:{user_name}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": written(secret), "issuer": municipality}, quote_via=quote)


def picture(text: str) -> str:
    """The address as a QR code, as an image address that holds the image itself."""
    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=4, light="white"))


def written(secret: bytes) -> str:
    """A secret as it is typed into a generator."""
    return base64.b32encode(secret).decode().rstrip("=")


def recovery_codes() -> list[str]:
    """Ten codes of 120 bits in a form that can be written down."""
    made = [base64.b32encode(new_secret(15)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(one[n : n + 4] for n in range(0, 24, 4)) for one in made]


def recovery_digest(code: str) -> bytes:
    """What is kept of a recovery code. A plain hash is enough of 120 random bits (ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).digest()
