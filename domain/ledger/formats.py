"""What a file is, by its first bytes: PRONOM id, MIME type, and which declared formats it may go by.

Recognition by content keeps a declared PDF that is none out of the archive; the list is the approved archive formats and
the office formats that are converted to them. Signatures: PRONOM registry.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileFormat:
    """pronom: id, `av/0` where unknown; names: declared formats (lower case) that mean this one."""

    pronom: str
    name: str
    mime_type: str
    names: frozenset[str]

    def may_be(self, declared: str) -> bool:
        """Whether a declared format (code, extension, MIME type or PRONOM id) can be this one.

        A declared format that this list does not know is believed only where the content is not recognised either.
        """
        wanted = declared.strip().lower().lstrip(".")
        if wanted in self.names or wanted == self.pronom or wanted == self.mime_type:
            return True
        known = any(wanted in one.names or wanted in (one.pronom, one.mime_type) for one in _ALL)
        return not known and self.pronom in ("av/0", "x-fmt/111")


def _format(pronom: str, name: str, mime_type: str, *names: str) -> FileFormat:
    return FileFormat(pronom, name, mime_type, frozenset(names))


PDF = _format(
    "fmt/276",
    "PDF",
    "application/pdf",
    "pdf",
    "pdfa",
    "pdf/a",
    "pdf-a",
    "pdf/a-1a",
    "pdf/a-1b",
    "pdf/a-2b",
    "pdf/a-3b",
    "fmt/95",
    "fmt/354",
    "fmt/476",
    "fmt/477",
    "fmt/480",
)
XML = _format("fmt/101", "XML", "application/xml", "xml", "text/xml", "gml", "svg", "html", "xhtml")
HTML = _format("fmt/96", "HTML", "text/html", "html", "htm")
PNG = _format("fmt/11", "PNG", "image/png", "png", "fmt/12", "fmt/13")
JPEG = _format("fmt/42", "JPEG", "image/jpeg", "jpeg", "jpg", "fmt/43", "fmt/44")
TIFF = _format("fmt/353", "TIFF", "image/tiff", "tiff", "tif")
ZIP = _format("x-fmt/263", "ZIP", "application/zip", "zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "asice", "epub")
OLE = _format("fmt/111", "OLE2", "application/x-ole-storage", "doc", "xls", "ppt", "msg")
RTF = _format("fmt/45", "RTF", "application/rtf", "rtf", "text/rtf")
WAVE = _format("fmt/141", "WAVE", "audio/wav", "wav", "wave")
MP3 = _format("fmt/134", "MP3", "audio/mpeg", "mp3")
MP4 = _format("fmt/199", "MPEG-4", "video/mp4", "mp4", "mpeg-4", "m4v")
TEXT = _format("x-fmt/111", "text", "text/plain", "txt", "text", "csv", "json", "sosi", "sos", "md", "eml", "gml")
UNKNOWN = _format("av/0", "unknown", "application/octet-stream", "bin")
_ALL = (PDF, XML, HTML, PNG, JPEG, TIFF, ZIP, OLE, RTF, WAVE, MP3, MP4, TEXT, UNKNOWN)

_SIGNATURES: tuple[tuple[bytes, FileFormat], ...] = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"PK\x03\x04", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", RTF),
    (b"ID3", MP3),
)


def recognise(start: bytes) -> FileFormat:
    """The format of a file by its first 64 KiB. UNKNOWN where nothing fits."""
    for signature, found in _SIGNATURES:
        if start.startswith(signature):
            return found
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return WAVE
    if start[4:8] == b"ftyp":
        return MP4
    if b"%PDF-" in start[:1024]:  # readers allow 1 024 bytes before the header
        return PDF
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:5].lower() == b"<?xml":
        return XML
    if text[:14].lower().startswith((b"<!doctype html", b"<html")):
        return HTML
    if start and b"\x00" not in start and _is_text(start):
        return TEXT
    return UNKNOWN


def _is_text(start: bytes) -> bool:
    for ending in range(min(4, len(start))):  # the cut may fall inside a character
        try:
            start[: len(start) - ending].decode("utf-8")
            return True
        except UnicodeDecodeError:
            continue
    return all(byte >= 32 or byte in (9, 10, 13) for byte in start)
