"""Passwords: Argon2id (RFC 9106), and which ones nobody may have.

There are no rules of composition. A password has at least 12 characters and is none that everybody tries first: not one of the
30 000 most common ones with or without digits and signs around it, not one sign or a row of keys over and over, and not the
person's own name or the municipality's (ASVS 5.0, 6.2.1 to 6.2.12).
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from domain.ledger.faults import LedgerError
from domain.ledger.identity import new_secret
from domain.model.errors import Refused

SHORTEST, LONGEST = 12, 200
# RFC 9106 section 4, the second recommendation with its memory halved: 32 MiB a try, and no more tries at once than these.
ITERATIONS, LANES, MEMORY_KIB = 3, 1, 32 * 1024
AT_ONCE, WAIT_S = 4, 10.0
_turns = threading.BoundedSemaphore(AT_ONCE)
_ROWS = ("012345678901234567890", "098765432109876543210", "abcdefghijklmnopqrstuvwxyzæøå", "qwertyuiopåasdfghjkløæzxcvbnm")


class Crowded(LedgerError):
    """More people are logging in at once than the server checks passwords for. Try again in a moment."""

    code = "login.crowded"
    retry_after_s = 5


def hashed(password: str) -> str:
    """The password in PHC form, under a new salt. Raises Crowded."""
    with _turn():
        kdf = Argon2id(salt=new_secret(16), length=32, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB)
        return kdf.derive_phc_encoded(_normal(password).encode())


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; as much work where none is stored, so that time tells nobody who has an account.

    Raises Crowded.
    """
    with _turn():
        try:
            Argon2id.verify_phc_encoded(_normal(password[:LONGEST]).encode(), stored or _nobodys())
        except InvalidKey:
            return False
        return stored is not None


def check(password: str, own_words: Iterable[str] = ()) -> None:
    """Refuse a password that is too short (`password.short`) or that everybody tries first (`password.common`).

    own_words: the person's and the municipality's names, which nobody who knows them has to guess.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused("password.short", params={"least": str(SHORTEST), "most": str(LONGEST)})
    plain = unicodedata.normalize("NFKC", password).casefold()
    letters = plain.strip("0123456789 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~¤§")
    left = plain
    for word in sorted({one for text in own_words for one in _words(text)}, key=len, reverse=True):
        left = left.replace(word, "")
    known = _common()
    if {plain, letters} & known or _repeats(plain) or (left != plain and len(left.strip("0123456789 !.,-_?")) < 5):
        raise Refused("password.common")


def _repeats(plain: str) -> bool:
    """One piece over and over (`abcabcabcabc`, `sommersommer`), or a row of the keyboard or the alphabet."""
    if any(plain[:12] in row for row in _ROWS):
        return True
    for size in range(1, len(plain) // 2 + 1):
        piece = plain[:size]
        if piece * (len(plain) // size) + piece[: len(plain) % size] == plain and (size < 5 or piece in _common()):
            return True
    return False


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [one for one in plain.replace("@", ".").replace(" ", ".").replace("-", ".").split(".") if len(one) > 2]


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a megabyte that only the choice of a password needs

    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _nobodys() -> str:
    kdf = Argon2id(salt=new_secret(16), length=32, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB)
    return kdf.derive_phc_encoded(new_secret())


def _normal(password: str) -> str:
    """The same password from every keyboard (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


class _turn:
    def __enter__(self) -> None:
        if not _turns.acquire(timeout=WAIT_S):
            raise Crowded

    def __exit__(self, *exc: object) -> None:
        _turns.release()
