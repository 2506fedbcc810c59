"""The catalogues are whole, and a reader gets the right one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from api.web import texts
from api.web.assets import SetUpFailed, compile_catalogues
from tests import tidy

KEY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
FILE_ENDINGS = (".html", ".css", ".js", ".svg", ".txt", ".pdf", ".xml", ".json")
WRITTEN = {path.parent.parent.name: path for path in texts.LOCALE.glob("*/LC_MESSAGES/dagbok.po")}


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


CATALOGUES = {language: catalogue(path) for language, path in WRITTEN.items()}


def messages(found: Catalog) -> dict[str, tuple[str, ...]]:
    """Key -> its forms: one, or one for each plural form."""
    return {
        message.id if isinstance(message.id, str) else message.id[0]: (message.string,)
        if isinstance(message.string, str)
        else tuple(message.string)
        for message in found
        if message.id
    }


def used_in_template(text: str, pages: set[str]) -> Iterator[str]:
    """Every literal in a template that is a key, whether it stands in t(…) or in a list that t walks through."""
    for inside in re.findall(r"{[{%](.*?)[%}]}", text, re.DOTALL):
        for literal in re.findall(r"[\"']([^\"']+)[\"']", inside):
            if KEY.fullmatch(literal) and literal.split(".")[0] in pages and not literal.endswith(FILE_ENDINGS):
                yield literal
        yield from re.findall(r"\bt\(\s*[\"']([^\"']+[^.\"'])[\"']\s*[,)]", inside)


def called_in_code(text: str) -> Iterator[str]:
    """Every key that a module asks a language's texts for by its literal: t("…"), texts("…"), frame.texts("…")."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("t", "texts", "words"):
            yield from (
                a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str) and "." in a.value
            )


def used(templates: Mapping[str, str], modules: Mapping[str, str], pages: set[str]) -> set[str]:
    in_templates = {key for text in templates.values() for key in used_in_template(text, pages)}
    return in_templates | {key for text in modules.values() for key in called_in_code(text)}


def named(modules: Mapping[str, str]) -> set[str]:
    """Every string constant of a module: a key may stand in a table that the texts are asked for one by one."""
    nodes = (node for text in modules.values() for node in ast.walk(ast.parse(text)))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def prefixes(templates: Mapping[str, str], modules: Mapping[str, str]) -> set[str]:
    """Literals like `journal.type.` to which a template or module adds the last part."""
    return {
        found
        for text in (*templates.values(), *modules.values())
        for found in re.findall(r"[\"'f]([a-z0-9-]+(?:\.[a-z0-9-]+)*\.)(?:[\"']\s*[~+]|\{)", text)
    }


TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (texts.LOCALE.parent / "templates").rglob("*.html")}
MODULES = tidy.sources("api", "projections")
PAGES = {key.split(".")[0] for found in CATALOGUES.values() for key in messages(found)}


def test_bokmaal_and_english_are_written() -> None:
    assert {"nb", "en"} <= WRITTEN.keys() <= texts.NAMES.keys()
    assert len(messages(CATALOGUES["nb"])) > 40


def test_every_language_has_the_same_keys() -> None:
    wanted = messages(CATALOGUES["nb"]).keys()
    for language, found in CATALOGUES.items():
        assert messages(found).keys() == wanted, language
        assert all(KEY.fullmatch(key) for key in messages(found))


def test_no_text_is_empty_or_a_guess() -> None:
    for language, found in CATALOGUES.items():
        assert [key for key, forms in messages(found).items() if not all(forms)] == [], language
        assert [message.id for message in found if message.fuzzy and message.id] == [], language


def test_every_language_fills_in_the_same_values() -> None:
    def values(forms: tuple[str, ...]) -> set[str]:
        return set(re.findall(r"{(\w+)}", " ".join(forms)))

    assert values(("{n} a", "{n} {b}")) == {"n", "b"}
    for language, found in CATALOGUES.items():
        for key, forms in messages(found).items():
            assert values(forms) == values(messages(CATALOGUES["nb"])[key]), (language, key)


def test_a_used_key_is_seen() -> None:
    template = (
        """<a title="x.y.z">{{ t("a.b.c") }}{% for k in ('a.d.e',) %}{{ static('a.css') }}{{ t('q.r.s', n=1) }}{% endfor %}"""
    )
    module = 'WORDS = ("a.f.g",)\ntexts("a.h.i", n=2)\nframe.texts("nb")'
    assert used({"t": template}, {"m": module}, {"a"}) == {"a.b.c", "a.d.e", "q.r.s", "a.h.i"}
    assert named({"m": module}) >= {"a.f.g"}
    assert prefixes({"t": "{{ t('a.b.' ~ x) }}"}, {"m": 't(f"c.{x}")'}) == {"a.b.", "c."}


def test_every_used_key_is_written() -> None:
    assert "shell.nav.journal" in used(TEMPLATES, MODULES, PAGES)
    assert used(TEMPLATES, MODULES, PAGES) - messages(CATALOGUES["nb"]).keys() == set()


def test_every_written_key_is_used() -> None:
    begun = tuple(prefixes(TEMPLATES, MODULES))
    unused = messages(CATALOGUES["nb"]).keys() - used(TEMPLATES, MODULES, PAGES) - named(MODULES)
    assert {key for key in unused if not key.startswith(begun)} == set()


@pytest.fixture(scope="module")
def offered() -> texts.Catalogues:
    return texts.Catalogues(strict=True)


def test_words_dates_and_numbers_are_the_languages_own(offered: texts.Catalogues) -> None:
    at = datetime(2026, 11, 22, 23, 30, 5, tzinfo=UTC)
    nb, en = offered.texts("nb"), offered.texts("en")
    assert (nb("shell.nav.front"), en("shell.nav.front")) == ("Forside", "Front page")
    assert (nb.date(date(2026, 11, 2)), en.date(date(2026, 11, 2))) == ("02.11.2026", "2 Nov 2026")
    assert (nb.date(at), nb.time(at), nb.moment(at)) == ("23.11.2026", "00:30", "23.11.2026 00:30:05")
    assert (nb.number(12000), en.number(12000)) == ("12\N{NO-BREAK SPACE}000", "12,000")
    assert nb("shell.chain.events", n=1) == "1 hendelse i loggen"
    assert en("shell.chain.events", n=12000) == "12,000 events in the log"
    assert nb("shell.chain.latest", day="2.1.", clock="12:00") == "Siste sjekkpunkt 2.1. kl. 12:00"
    with pytest.raises(ValueError, match="time zone"):
        nb.time(at.replace(tzinfo=None))


def test_a_missing_key_is_an_error_in_tests_and_one_bare_word_in_production(offered: texts.Catalogues) -> None:
    for values in ({}, {"n": 2}):
        with pytest.raises(texts.MissingText, match=r"page\.part\.text"):
            offered.texts("nb")("page.part.text", **values)
    assert texts.Catalogues().texts("nb")("page.part.text") == "page.part.text"


@pytest.mark.parametrize(
    ("saved", "wanted", "language"),
    [
        (None, None, "nb"),
        ("en", "nb", "en"),
        ("xx", "en", "en"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "de, no;q=0.3, en;q=0.8", "en"),
        (None, "no, en;q=0.9", "nb"),
        (None, "nn-NO, en;q=0.9", "nb"),
        (None, "da, en;q=0.5", "nb"),
        (None, "EN ; q=1", "en"),
        (None, "en;q=0, *", "nb"),
        (None, "en;q=x, fr;q=", "nb"),
        (None, "," * 5000 + "en", "nb"),
    ],
)
def test_the_language_of_a_reply(offered: texts.Catalogues, saved: str | None, wanted: str | None, language: str) -> None:
    assert offered.negotiate(saved, wanted) == language


def test_a_catalogue_added_later_is_offered(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    for language, word in (("nn", "Framside"), ("sv", "Startsida"), ("fi", "x")):
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "dagbok.po").write_text(f'{head}msgid "shell.nav.front"\nmsgstr "{word}"\n', encoding="utf-8")
    assert len(compile_catalogues(tmp_path)) == 3
    assert compile_catalogues(tmp_path) == []
    added = texts.Catalogues(tmp_path)
    assert added.offered == ("nn", "sv")
    assert added.texts("sv").date(date(2026, 11, 22)) == "2026-11-22"
    assert added.negotiate(None, "nb", "sv") == "nn"
    with pytest.raises(texts.MissingCatalogue):
        added.texts("nb")


def test_a_broken_catalogue_stops_the_set_up(tmp_path: Path) -> None:
    folder = tmp_path / "nb" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "dagbok.po").write_text('msgid "a.b.c"\nmsgstr "unfinished\nmsgid\n', encoding="utf-8")
    with pytest.raises(SetUpFailed, match="nb"):
        compile_catalogues(tmp_path)
    assert list(folder.iterdir()) == [folder / "dagbok.po"]
