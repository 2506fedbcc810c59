"""The frame of the pages: what it shows, what it escapes, and what its own rules forbid it to hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import pytest
from lxml import html

from api.web import shell, texts

CATALOGUES = texts.Catalogues(strict=True)
PAGE = '{% extends "shell.html" %}{% block title %}Prøve{% endblock %}{% block main %}<h1>{{ word }}</h1>{% endblock %}'
AT = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
CHAIN = shell.ChainStatus("signed", 12000, "ab" * 32, AT)
DEMO = shell.DemoBar("p2", (("p1", "Kari, arkivar"), ("p2", "Ola <leder>")), AT)


def frame(language: str = "nb") -> shell.Frame:
    return shell.Frame(
        CATALOGUES.texts(language), "Fjordvik kommune", "/journal", CATALOGUES.offered, query="q=vei&side=2", chain=CHAIN
    )


@pytest.fixture(scope="module")
def templates() -> jinja2.Environment:
    made = shell.environment()
    assert made.loader is not None
    made.loader = jinja2.ChoiceLoader([jinja2.DictLoader({"page.html": PAGE, "wrong.html": PAGE + "{{ nothing }}"}), made.loader])
    return made


def page(templates: jinja2.Environment, stands_in: shell.Frame, word: str = "ord") -> html.HtmlElement:
    return html.document_fromstring(shell.render(templates, "page.html", stands_in, word=word))


@pytest.mark.parametrize("language", CATALOGUES.offered)
def test_the_shell_stands_in_every_language(templates: jinja2.Environment, language: str) -> None:
    made = page(templates, replace(frame(language), demo=DEMO))
    assert made.get("lang") == language
    assert made.findtext("head/title") == "Prøve · Fjordvik kommune · Dagbok"
    assert made.xpath("//nav//a[@aria-current='page']/@href") == ["/journal"]
    assert made.xpath("//nav//a/@href") == ["/", "/cases", "/journal", "/rights", "/log"]
    assert made.xpath("//button[@name='language']/@value") == list(CATALOGUES.offered)
    assert made.xpath("//button[@name='language'][@aria-current]/@value") == [language]
    assert made.xpath("string(//header//a)").split() == ["Fjordvik", "kommune", "Dagbok"]


def test_a_keyboard_reader_can_skip_to_the_main_content(templates: jinja2.Environment) -> None:
    made = page(templates, frame())
    assert made.xpath("//body/a[1]/@href") == ["#main"]
    assert len(made.xpath("//main[@id='main']")) == 1
    assert len(made.xpath("//h1")) == 1


def test_every_field_has_a_label(templates: jinja2.Environment) -> None:
    made = page(templates, replace(frame(), demo=DEMO))
    fields = made.xpath("//input[not(@type='hidden')]/@id | //select/@id")
    assert len(fields) == 3
    assert set(fields) <= set(made.xpath("//label/@for"))


def test_search_is_a_plain_form_that_keeps_its_words(templates: jinja2.Environment) -> None:
    made = page(templates, replace(frame(), search='vei "og" <bru>'))
    (form,) = made.xpath("//form[@role='search']")
    assert (form.get("action"), form.get("method")) == ("/journal", "get")
    assert form.xpath(".//input[@name='q']/@value") == ['vei "og" <bru>']


def test_a_choice_returns_to_the_page_it_was_made_on(templates: jinja2.Environment) -> None:
    made = page(templates, replace(frame(), prefix="/t/fjordvik", demo=DEMO))
    assert set(made.xpath("//form[@method='post']//input[@name='next']/@value")) == {"/journal?q=vei&side=2"}
    assert made.xpath("//form[@method='post']/@action") == [
        "/t/fjordvik/demo/person",
        "/t/fjordvik/demo/clock",
        "/t/fjordvik/language",
    ]


@pytest.mark.parametrize(
    ("state", "word"),
    [("signed", "Signert til siste hendelse"), ("waiting", "Venter på signatur"), ("stopped", "Skriving er stanset")],
)
def test_the_footer_tells_the_state_of_the_chain(templates: jinja2.Environment, state: str, word: str) -> None:
    made = page(templates, replace(frame(), chain=replace(CHAIN, state=state)))
    said = " ".join(made.xpath("string(//footer)").split())
    assert word in said
    assert "12 000 hendelser i loggen abababababab Siste sjekkpunkt 22.11.2026 kl. 14:05" in said
    assert page(templates, replace(frame(), chain=None)).xpath("string(//footer)").strip() == ""


def test_the_demonstration_says_that_it_is_one_and_shows_its_clock(templates: jinja2.Environment) -> None:
    made = page(templates, replace(frame(), demo=DEMO))
    assert "oppdiktet" in made.xpath("string(//aside)")
    assert made.xpath("//option[@selected]/text()") == ["Ola <leder>"]
    assert made.xpath("//input[@name='to']/@value") == ["2026-11-22T14:05"]
    assert page(templates, frame()).xpath("//aside") == []


def test_values_are_escaped_and_missing_names_are_errors(templates: jinja2.Environment) -> None:
    made = page(templates, replace(frame(), municipality="<script>x</script>"), word="<b>")
    assert made.xpath("//h1/text()") == ["<b>"]
    assert len(made.xpath("//script")) == 1
    with pytest.raises(jinja2.UndefinedError):
        shell.render(templates, "wrong.html", frame())


def forbidden(text: str) -> list[str]:
    """What the content security policy would refuse: a script or style in the page, an event attribute, another site."""
    made = html.document_fromstring(text)
    found = [str(node.tag) for node in made.xpath("//script[not(@src)] | //style")]
    found += [str(node.tag) for node in made.iter() for name in node.attrib if name == "style" or name.startswith("on")]
    return found + [
        link for link in made.xpath("//@src | //link/@href | //form/@action") if not re.match(r"/[^/]", link) and link != "/"
    ]


def test_no_page_holds_what_the_security_policy_refuses(templates: jinja2.Environment) -> None:
    for sample in (
        "<script>x</script>",
        "<p style='x'>",
        "<a onclick='x'>",
        "<img src='https://a.example/b'>",
        "<style></style>",
    ):
        assert forbidden(f"<html><body>{sample}</body></html>")
    assert forbidden(shell.render(templates, "page.html", replace(frame(), demo=DEMO), word="x")) == []
    policy = shell.SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 418, 422, 428, 429, 500, 502, 503, 599])
def test_every_fault_says_what_why_and_what_next(templates: jinja2.Environment, status: int) -> None:
    told = shell.fault(CATALOGUES.texts("nb"), status, code="case-closed", reference="r-17")
    made = html.document_fromstring(shell.render(templates, "error.html", frame(), fault=told))
    said = made.xpath("string(//main)")
    for word in (told.what, told.why, told.next_step, str(status), "case-closed", "r-17"):
        assert word
        assert word in said


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("/journal?q=a&b=c", "/journal?q=a&b=c"),
        ("//other.example", "/"),
        ("/\\other.example", "/"),
        ("https://other.example", "/"),
        ("/\t/other.example", "/"),
        ("", "/"),
        ("journal", "/"),
    ],
)
def test_a_form_returns_to_this_site_only(wanted: str, kept: str) -> None:
    assert shell.local_path(wanted) == kept


def test_addresses_keep_the_tenant_and_leave_out_what_is_empty() -> None:
    at = replace(frame(), prefix="/t/fjordvik")
    assert at.url("/journal", q="å & b", page=2, day=None, unit="") == "/t/fjordvik/journal?q=%C3%A5+%26+b&page=2"
    assert (
        at.at("/journal"),
        at.at("/"),
        replace(at, path="/journal/x").at("/journal"),
        replace(at, path="/journals").at("/journal"),
    ) == (
        True,
        False,
        True,
        False,
    )


def test_a_static_file_is_addressed_by_its_content() -> None:
    assert re.fullmatch(r"/static/dagbok\.css\?v=[0-9a-f]{12}", shell.static("dagbok.css"))
    with pytest.raises(FileNotFoundError):
        shell.static("absent.css")


def test_the_style_sheet_uses_only_names_that_the_design_system_has() -> None:
    ours = (shell.STATIC / "dagbok.css").read_text(encoding="utf-8")
    theirs = "".join(
        (shell.STATIC / "vendor" / name).read_text(encoding="utf-8")
        for name in ("designsystemet.css", "designsystemet-theme.css")
    )
    used = set(re.findall(r"var\((--[\w-]+)", ours))
    assert len(used) > 10
    assert {name for name in used if f"{name}:" not in theirs} == set()
    for path in sorted(Path(shell.TEMPLATES).rglob("*.html")):
        classes = set(re.findall(r"\bds-[\w-]+", path.read_text(encoding="utf-8")))
        assert {name for name in classes if f".{name}" not in theirs} == set(), path.name
