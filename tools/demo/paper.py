"""Small real PDFs, made one by one: a page with a letterhead, a title and a paragraph."""

from __future__ import annotations

import io

import pikepdf


def letter(title: str, sender: str, day: str, number: int) -> bytes:
    """A one-page PDF 1.7 letter. The same words give the same bytes."""
    lines = [
        ("F1", 16, 760, title),
        ("F2", 11, 730, f"Dato: {day}    Ref.: {number}"),
        ("F2", 11, 712, f"Fra: {sender}"),
        ("F2", 11, 680, f"Vi viser til saken og sender med dette: {title.lower()}."),
        ("F2", 11, 664, "Dokumentet er elektronisk godkjent og har ingen signatur."),
    ]
    drawn = b"\n".join(
        b"BT /%s %d Tf 60 %d Td <%s> Tj ET" % (font.encode(), size, y, _text(text)) for font, size, y, text in lines
    )
    pdf = pikepdf.new()
    fonts = {name: _font(pdf, base) for name, base in (("F1", "/Helvetica-Bold"), ("F2", "/Helvetica"))}
    page = pikepdf.Dictionary(
        Type=pikepdf.Name.Page,
        MediaBox=[0, 0, 595, 842],
        Resources=pikepdf.Dictionary(Font=pikepdf.Dictionary({f"/{name}": font for name, font in fonts.items()})),
        Contents=pdf.make_stream(drawn),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    pdf.close()
    return out.getvalue()


def _text(text: str) -> bytes:
    return text[:90].replace("–", "-").encode("cp1252", "replace").hex().encode()


def _font(pdf: pikepdf.Pdf, base: str) -> pikepdf.Object:
    return pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name(base), Encoding=pikepdf.Name.WinAnsiEncoding
        )
    )
