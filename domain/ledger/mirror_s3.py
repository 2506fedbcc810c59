"""A mirror in an S3-compatible bucket: four requests of the S3 REST API (2006-03-01), signed with AWS Signature Version 4.

Addresses are in path style (`https://host/bucket/key`), which every compatible server knows. A PUT carries the SHA-256 of its
bytes in the signature, so that the server refuses what was damaged on the way, and a PUT is seen whole or not at all.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlsplit

import httpx
from lxml import etree

from domain.ledger.clock import Clock
from domain.ledger.mirror_target import CHUNK, TargetFault

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LIST_LIMIT = 8 << 20  # bytes of one page of a listing: at most 1 000 names of 1 024 bytes
TRIES = 3
_EMPTY = sha256(b"").hexdigest()
_NAMESPACE = "{*}"


@dataclass(frozen=True, slots=True)
class Access:
    """How a bucket is reached. endpoint: such as https://s3.example.no, without bucket; secret is never shown."""

    endpoint: str
    region: str
    key_id: str
    secret: str = field(repr=False)


def authorization(
    access: Access, method: str, url: str, moment: str, checksum: str, headers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The headers that sign a request (AWS Signature Version 4, Authorization header, single chunk).

    url: as sent, path and query percent-encoded, the query in order of names; moment: `YYYYMMDDTHHMMSSZ`; checksum: SHA-256
    (hex) of the body; headers: further ones to be signed, names in lower case.
    """
    parts = urlsplit(url)
    signed = {"host": parts.netloc, "x-amz-content-sha256": checksum, "x-amz-date": moment, **(headers or {})}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    request = "\n".join((method, parts.path or "/", parts.query, lines, names, checksum))
    scope = f"{moment[:8]}/{access.region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, sha256(request.encode()).hexdigest()))
    key = b"AWS4" + access.secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={access.key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return {**{name: value for name, value in signed.items() if name != "host"}, "authorization": credential}


class BucketTarget:
    """A mirror under a prefix of a bucket. Raises TargetFault where the server refuses or cannot be reached."""

    def __init__(self, access: Access, bucket: str, prefix: str, clock: Clock) -> None:
        self._access, self._clock = access, clock
        self._base = f"{access.endpoint.rstrip('/')}/{quote(bucket, safe='')}"
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = httpx.Client(timeout=TIMEOUT)

    def _headers(self, method: str, url: str, checksum: str = _EMPTY) -> dict[str, str]:
        return authorization(self._access, method, url, self._clock.now().strftime("%Y%m%dT%H%M%SZ"), checksum)

    def _url(self, name: str) -> str:
        return f"{self._base}/{quote(self._prefix + name, safe='/-_.~')}"

    def put(self, name: str, chunks: Iterable[bytes], size: int, checksum: str) -> None:
        """Store an object in one request: at most 5 GiB, which is a file's limit too."""
        url = self._url(name)
        headers = {**self._headers("PUT", url, checksum), "content-length": str(size)}
        try:
            answer = self._client.put(url, content=_counted(chunks, size, checksum, name), headers=headers)
        except httpx.HTTPError as problem:
            raise TargetFault(f"the mirror cannot be reached: {problem or type(problem).__name__}") from problem
        self._accept(answer, name, 200)

    def get(self, name: str) -> Iterator[bytes] | None:
        """The bytes of an object."""
        url = self._url(name)
        request = self._client.build_request("GET", url, headers=self._headers("GET", url))
        answer = self._send(request, stream=True)
        if answer.status_code == 404:
            answer.close()
            return None
        if answer.status_code != 200:
            answer.read()
        self._accept(answer, name, 200)
        return _body(answer)

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Names under a prefix (ListObjectsV2, a thousand a request)."""
        token = ""
        while True:
            query = {"list-type": "2", "prefix": self._prefix + prefix} | ({"continuation-token": token} if token else {})
            url = f"{self._base}?" + "&".join(f"{name}={quote(query[name], safe='-_.~')}" for name in sorted(query))
            answer = self._send(self._client.build_request("GET", url, headers=self._headers("GET", url)))
            self._accept(answer, prefix, 200)
            page = _parse(answer.content)
            for one in page.iterfind(f"{_NAMESPACE}Contents"):
                key, size = one.findtext(f"{_NAMESPACE}Key") or "", one.findtext(f"{_NAMESPACE}Size") or "0"
                yield key.removeprefix(self._prefix), int(size)
            token = page.findtext(f"{_NAMESPACE}NextContinuationToken") or ""
            if not token:
                return

    def delete(self, name: str) -> None:
        """Take an object away. A bucket that keeps versions must be told to forget them: see the guide for operators."""
        url = self._url(name)
        answer = self._send(self._client.build_request("DELETE", url, headers=self._headers("DELETE", url)))
        self._accept(answer, name, 200, 204, 404)

    def _send(self, request: httpx.Request, stream: bool = False) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                return self._client.send(request, stream=stream)
            except httpx.HTTPError as problem:
                if not left:
                    raise TargetFault(f"the mirror cannot be reached: {problem or type(problem).__name__}") from problem
        raise AssertionError("unreachable: the last try returns or raises")

    @staticmethod
    def _accept(answer: httpx.Response, name: str, *accepted: int) -> None:
        if answer.status_code not in accepted:
            said = answer.text[:300].strip()
            raise TargetFault(f"the mirror answered {answer.status_code} to {answer.request.method} {name}: {said}")


def _counted(chunks: Iterable[bytes], size: int, checksum: str, name: str) -> Iterator[bytes]:
    """The last byte is held back until all are known to be right: a server sees a body cut short, and keeps nothing."""
    digest, seen, kept = sha256(), 0, b""
    for chunk in chunks:
        digest.update(chunk)
        seen += len(chunk)
        if kept:
            yield kept
        kept = chunk
    if (seen, digest.hexdigest()) != (size, checksum):
        raise TargetFault(f"what was to be put as {name} was damaged on the way")
    if kept:
        yield kept


def _body(answer: httpx.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_raw(CHUNK)
    except httpx.HTTPError as problem:
        raise TargetFault(f"the mirror's answer broke off: {problem or type(problem).__name__}") from problem
    finally:
        answer.close()


def _parse(content: bytes) -> etree._Element:
    if len(content) > LIST_LIMIT:
        raise TargetFault("the mirror's listing is larger than it can be")
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as problem:
        raise TargetFault(f"the mirror's listing cannot be read: {problem}") from problem
