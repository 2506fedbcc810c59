"""The words of the pages: gettext catalogues with stable keys, one per language, and dates and numbers as that language writes.

A key is `page.part.text` (`shell.nav.journal`) and never the text itself, so a better wording changes no code and every language
is a translation on equal terms. Catalogues stand in `locale/<language>/LC_MESSAGES/dagbok.po`; a language is offered as soon as
its compiled catalogue is there.
"""

from __future__ import annotations

import gettext
import logging
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

LOCALE = Path(__file__).resolve().parent / "locale"
DOMAIN = "dagbok"
COOKIE = "dagbok_language"

# In the order of the language switch. Each name is written in its own language, as WCAG 3.1.2 wants it marked and read aloud.
NAMES = {"nb": "Bokmål", "nn": "Nynorsk", "sv": "Svenska", "en": "English"}

# What a reader of the left-hand language understands best where that one is not offered.
_NEAREST = {"no": "nb", "nn": "nb", "nb": "nn", "da": "nb"}

# Public-sector habit, not Babel's: its short forms are 22.11.2026 for nb but 11/22/26 for en, which half of Europe misreads.
_DATE = {"nb": "dd.MM.y", "nn": "dd.MM.y", "sv": "y-MM-dd", "en": "d MMM y"}

_log = logging.getLogger(__name__)


class MissingText(LookupError):
    """A page asked for a key that the language's catalogue does not have. A fault in the program, never in the input."""


class MissingCatalogue(LookupError):
    """No compiled catalogue is there for the language. Run `make .venv`, which compiles them."""


class _Missing(gettext.NullTranslations):
    """Behind a catalogue: what happens to a key that it does not have."""

    def __init__(self, language: str, strict: bool) -> None:
        super().__init__()
        self._language, self._strict = language, strict

    def gettext(self, message: str) -> str:
        if self._strict:
            raise MissingText(f"no text {message!r} in {self._language}")
        # In production a page with one bare key serves its reader better than no page.
        _log.error("text-missing", extra={"key": message, "language": self._language})
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002 gettext's signature
        return self.gettext(msgid1)


class Texts:
    """One language's words, dates and numbers, for a reader in one time zone. Immutable and shared between threads."""

    __slots__ = ("_translations", "language", "locale", "zone")

    def __init__(self, language: str, translations: gettext.NullTranslations, zone: ZoneInfo) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self.zone = zone
        self._translations = translations

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key` with `{name}` replaced by `values`; the value `n` chooses the plural form and is grouped.

        Raises MissingText in a strict catalogue. Plain text: the template escapes it, values and all.
        """
        count = values.get("n")
        if isinstance(count, int):
            values["n"] = self.number(count)
            return self._translations.ngettext(key, key, count).format(**values)
        return self._translations.gettext(key).format(**values)

    def date(self, day: date | datetime) -> str:
        """A day as 22.11.2026 (nb, nn), 2026-11-22 (sv) or 22 Nov 2026 (en). An instant counts as its local day."""
        local = self._local(day).date() if isinstance(day, datetime) else day
        return format_date(local, _DATE[self.language], locale=self.locale)

    def time(self, instant: datetime) -> str:
        """An instant's local clock, as 14:05. Raises ValueError for one without a time zone."""
        return format_datetime(self._local(instant), "HH:mm", locale=self.locale)

    def moment(self, instant: datetime) -> str:
        """An instant's local day and clock with seconds: what a history shows."""
        return f"{self.date(instant)} {format_datetime(self._local(instant), 'HH:mm:ss', locale=self.locale)}"

    def number(self, value: int) -> str:
        """A whole number grouped as the language groups it: 12 000 with a hard space, or 12,000."""
        return format_decimal(value, locale=self.locale)

    def _local(self, instant: datetime) -> datetime:
        if instant.tzinfo is None:
            raise ValueError("an instant on a page needs its time zone")
        return instant.astimezone(self.zone)


class Catalogues:
    """Every language that has a compiled catalogue, read once at start."""

    def __init__(self, folder: Path = LOCALE, *, strict: bool = False) -> None:
        self._translations: dict[str, gettext.NullTranslations] = {}
        for language in NAMES:
            compiled = folder / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
            if compiled.exists():
                with compiled.open("rb") as file:
                    translations = gettext.GNUTranslations(file)
                translations.add_fallback(_Missing(language, strict))
                self._translations[language] = translations

    @property
    def offered(self) -> tuple[str, ...]:
        """The languages that can be chosen, in the order of the switch."""
        return tuple(self._translations)

    def texts(self, language: str, zone: str = "Europe/Oslo") -> Texts:
        """The words of `language` for a reader in `zone` (an IANA name). Raises MissingCatalogue."""
        if language not in self._translations:
            raise MissingCatalogue(f"no compiled catalogue for {language!r}; run `make .venv`")
        return Texts(language, self._translations[language], ZoneInfo(zone))

    def negotiate(self, saved: str | None, accept_language: str | None, default: str = "nb") -> str:
        """The language of a reply: the saved choice, else the browser's wish (RFC 9110 section 12.5.4), else the default.

        Whatever the two hold, the answer is `default` or an offered language: both come from outside.
        """
        if saved in self._translations:
            return saved
        for wish in _wishes(accept_language or ""):
            if wish == "*":
                return default
            primary = wish.partition("-")[0]
            for language in (primary, _NEAREST.get(primary, "")):
                if language in self._translations:
                    return language
        return default


def _wishes(header: str) -> Iterator[str]:
    """The language ranges of an Accept-Language header, the most wanted first, without those of weight 0 or a broken one."""
    weighed: list[tuple[float, str]] = []
    for part in header.lower().split(",")[:20]:
        language, _, parameter = part.strip().partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if language and 0 < quality <= 1:
            weighed.append((quality, language.strip()))
    yield from (language for _, language in sorted(weighed, key=lambda wish: -wish[0]))
