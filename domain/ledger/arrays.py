"""PostgreSQL's binary values built by joining bytes: the writer's parameters, ten times cheaper than one object at a time.

Layout of an array (src/include/utils/array.h): i32 dimensions, i32 has_null, u32 element oid, i32 length, i32 lower bound, then
for each element i32 length and its bytes. An empty array has 0 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct, pack
from uuid import UUID

_HEAD = Struct("!iiIii")
_LENGTH = Struct("!i")
_INT8 = Struct("!q")
_INT8_OID, _BYTEA_OID, _TEXT_OID, _UUID_OID = 20, 17, 25, 2950
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def int8(value: int) -> bytes:
    """bigint"""
    return _INT8.pack(value)


def timestamptz(value: datetime) -> bytes:
    """timestamptz: microseconds since 2000"""
    return _INT8.pack((value - _EPOCH) // _MICROSECOND)


def int8s(values: Sequence[int]) -> bytes:
    """bigint[]"""
    return _array(_INT8_OID, len(values), pack("!" + "iq" * len(values), *(part for value in values for part in (8, value))))


def texts(values: Sequence[str]) -> bytes:
    """text[]"""
    return _array(_TEXT_OID, len(values), _sized([value.encode() for value in values]))


def byteas(values: Sequence[bytes]) -> bytes:
    """bytea[] of any lengths"""
    return _array(_BYTEA_OID, len(values), _sized(values))


def hashes(values: Sequence[bytes]) -> bytes:
    """bytea[] of 32-byte values"""
    prefix = _LENGTH.pack(32)
    return _array(_BYTEA_OID, len(values), prefix + prefix.join(values) if values else b"")


def uuids(values: Sequence[UUID]) -> bytes:
    """uuid[]"""
    prefix = _LENGTH.pack(16)
    return _array(_UUID_OID, len(values), prefix + prefix.join([value.bytes for value in values]) if values else b"")


def _array(element: int, count: int, payload: bytes) -> bytes:
    return _HEAD.pack(1, 0, element, count, 1) + payload if count else _HEAD.pack(0, 0, element, 0, 0)[:12]


def _sized(values: Sequence[bytes]) -> bytes:
    size = _LENGTH.pack
    return b"".join([part for value in values for part in (size(len(value)), value)])
