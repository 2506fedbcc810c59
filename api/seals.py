"""Marks that a reader brings back (cursor, position, form), in a form that only this installation can have made."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac


class Seals:
    """Seals under one key: base64url of the text, a dot, base64url of 18 bytes of HMAC-SHA-256 over purpose and text."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, purpose: str, text: str) -> str:
        """`text`, sealed for one purpose."""
        mac = hmac.new(self._key, f"{purpose}\n{text}".encode(), hashlib.sha256).digest()[:18]
        return f"{_base64(text.encode())}.{_base64(mac)}"

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """The text of a seal of that purpose in its one form, or None for anything else."""
        try:
            text = base64.urlsafe_b64decode(sealed.partition(".")[0].encode() + b"==").decode()
            known = hmac.compare_digest(self.seal(purpose, text).encode(), sealed.encode())
        except (binascii.Error, ValueError):
            return None
        return text if known else None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
