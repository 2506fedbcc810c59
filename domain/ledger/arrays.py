"""PostgreSQL binary arrays built by joining bytes: the writer's parameters, ten times cheaper than one object at a time.

Layout (src/include/utils/array.h): i32 dimensions, i32 has_null, u32 element oid, i32 length, i32 lower bound, then for each
element i32 length and its bytes. An empty array has 0 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = Struct("!iiIii")
_LENGTH = Struct("!i")
_INT8, _BYTEA, _TEXT, _UUID = 20, 17, 25, 2950


class Array:
    """A finished binary array. oid: of the array type."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class _Int8s(Array):
    pass


class _Texts(Array):
    pass


class _Byteas(Array):
    pass


class _Uuids(Array):
    pass


def _array(element: int, count: int, payload: bytes) -> bytes:
    return _HEAD.pack(1, 0, element, count, 1) + payload if count else _HEAD.pack(0, 0, element, 0, 0)[:12]


def int8s(values: Sequence[int]) -> Array:
    """bigint[]"""
    return _Int8s(_array(_INT8, len(values), pack("!" + "iq" * len(values), *(part for value in values for part in (8, value)))))


def texts(values: Sequence[str]) -> Array:
    """text[]"""
    return _Texts(_array(_TEXT, len(values), _sized([value.encode() for value in values])))


def byteas(values: Sequence[bytes]) -> Array:
    """bytea[] of any lengths"""
    return _Byteas(_array(_BYTEA, len(values), _sized(values)))


def hashes(values: Sequence[bytes]) -> Array:
    """bytea[] of 32-byte values"""
    prefix = _LENGTH.pack(32)
    return _Byteas(_array(_BYTEA, len(values), prefix + prefix.join(values) if values else b""))


def uuids(values: Sequence[UUID]) -> Array:
    """uuid[]"""
    prefix = _LENGTH.pack(16)
    return _Uuids(_array(_UUID, len(values), prefix + prefix.join([value.bytes for value in values]) if values else b""))


def _sized(values: Sequence[bytes]) -> bytes:
    size = _LENGTH.pack
    return b"".join([part for value in values for part in (size(len(value)), value)])


class _Dump(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> Buffer | None:
        return obj.data


def register(connection: psycopg.Connection) -> None:
    """Let the connection take Array parameters."""
    for kind, oid in ((_Int8s, 1016), (_Texts, 1009), (_Byteas, 1001), (_Uuids, 2951)):
        connection.adapters.register_dumper(kind, type(f"Dump{oid}", (_Dump,), {"oid": oid}))
