"""Kinds of simple value: text to Python value and back, by XML Schema 1.0 part 2.

Two limits of our own: years outside 1..9999, which Python's calendar lacks, are refused, and fractions of a second are cut to
microseconds. The text as it came is kept beside each value.
"""

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

Value = str | int | bool | Decimal | date | datetime
"""What a simple element holds; a `datetime` is aware exactly where the text names its offset."""

_SPACE = " \t\r\n"
_SPACES = re.compile(f"[{_SPACE}]+")
_INT = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?INF|NaN")
_ZONE = r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DATE = re.compile(r"(?P<year>-?[0-9]{4,})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})" + _ZONE)
_CLOCK = r"T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
_INSTANT = re.compile(_DATE.pattern.removesuffix(_ZONE) + _CLOCK + _ZONE)
_UUID = re.compile("[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}")
_COUNTRY = re.compile("[A-Z]{2}")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VERBATIM = frozenset({"string", "text", "uuid", "country"})


def read(kind: str, text: str, words: Collection[str] = ()) -> Value:
    """The value of `text`; `ValueError` with a clause that fits after "X " ("must be a date …") where it is none.

    `words` are the enumeration's words, if there is one.
    """
    if kind not in _VERBATIM:
        text = _SPACES.sub(" ", text.strip(_SPACE))
    value = _READ[kind](text)
    if words and value not in words:
        raise ValueError(f"must be one of {', '.join(words)}; it is {_quote(text)}")
    return value


def write(kind: str, value: object, words: Collection[str] = ()) -> str:
    """The text of `value`, checked by reading it again; `ValueError` where the value does not fit the kind.

    Characters that XML cannot carry become U+FFFD: a title from elsewhere must not hinder an answer.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case datetime() | date():
            text = value.isoformat().replace("+00:00", "Z")
        case str():
            text = _NOT_XML.sub("\ufffd", value)
        case int() | UUID():
            text = str(value)
        case Decimal():
            text = format(value, "f") if value.is_finite() else str(value).replace("Infinity", "INF")
        case _:
            raise ValueError(f"cannot be written from {type(value).__name__}")
    read(kind, text, words)
    return text


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _string(text: str) -> str:
    return text


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _pattern(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def match(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"must be {what}; it is {_quote(text)}")
        return text

    return match


def _whole(low: int, high: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        # int() refuses thousands of digits with an error of its own: leading zeros go first, long numbers are never read.
        digits = text.lstrip("+-").lstrip("0") or "0"
        value = int(digits) * (-1 if text.startswith("-") else 1) if _INT.fullmatch(text) and len(digits) <= 10 else None
        if value is None or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}; it is {_quote(text)}")
        return value

    return whole


def _boolean(text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise ValueError(f"must be true or false; it is {_quote(text)}")
    return text in ("true", "1")


def _double(text: str) -> Decimal:
    if not _DOUBLE.fullmatch(text):
        raise ValueError(f"must be a number; it is {_quote(text)}")
    # By way of the nearest double, as the kind says: a Decimal of exponent 10^9 would be written out with as many digits.
    return Decimal(repr(float(text)))


def _date(text: str) -> date:
    match = _DATE.fullmatch(text)
    day = match and _day(match)
    if not day:
        raise ValueError(f"must be a date such as 2026-01-31; it is {_quote(text)}")
    return day


def _instant(text: str) -> datetime:
    match = _INSTANT.fullmatch(text)
    day = match and _day(match)
    value = _moment(match, day) if match and day else None
    if value is None:
        raise ValueError(f"must be a date and time such as 2026-01-31T12:00:00+01:00; it is {_quote(text)}")
    return value


def _moment(match: re.Match[str], day: date) -> datetime | None:
    hour, minute, second = (int(match[name]) for name in ("hour", "minute", "second"))
    micros = int((match["fraction"] or "")[:6].ljust(6, "0"))
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second or (match["fraction"] or "").strip("0"))):
        return None
    try:
        value = datetime(day.year, day.month, day.day, hour % 24, minute, second, micros, tzinfo=_zone(match["zone"]))
        # 24:00:00 is the first moment of the next day.
        return value + timedelta(days=hour // 24)
    except OverflowError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _day(match: re.Match[str]) -> date | None:
    if len(match["year"]) != 4:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


_READ: dict[str, Callable[[str], Value]] = {
    "string": _string,
    "token": _string,
    "text": _text,
    "uuid": _pattern(_UUID, "a UUID of 32 hexadecimal digits in five groups"),
    "country": _pattern(_COUNTRY, "a country code of two capital letters"),
    "int": _whole(-(2**31), 2**31 - 1),
    "short": _whole(-(2**15), 2**15 - 1),
    "byte": _whole(-(2**7), 2**7 - 1),
    "count": _whole(0, 2**31 - 1),
    "boolean": _boolean,
    "double": _double,
    "date": _date,
    "dateTime": _instant,
}
