"""The demo municipality: the same seed and present give the same journal, whatever the ids."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from api.installation import Installation
from api.settings import Settings
from domain.model.errors import DagbokError
from tools import demo

NOW = "2026-11-23"


def journal_digest(folder: Path, seed: int) -> str:
    """Every row of the journal but ids: numbers, titles, dates, statuses, parties, instants."""
    settings = Settings(data=folder / "data", tenant="fjordvik")
    demo.make(settings, demo.present(NOW), seed, 0.004)
    digest = hashlib.sha256()
    with Installation(settings, demo.clock_for(NOW)) as opened, opened.open("fjordvik", follow=False).read() as connection:
        for query in (
            "select number, title, status, case_date, responsible, unit, changed_at, words from fjordvik_p_journal.cases",
            "select number, title, status, entry_type, journal_year, journal_sequence, journal_date, parties, document_date,"
            " answered, changed_at, words from fjordvik_p_journal.entries",
            "select title, status, document_type, changed_at, words from fjordvik_p_journal.documents",
        ):
            rows = sorted(str(row) for row in connection.execute(query))  # type: ignore[call-overload]
            assert len(rows) > 10
            digest.update("\n".join(rows).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_journal_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (journal_digest(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert first == again
    assert first != other


def test_a_present_that_is_none_is_refused() -> None:
    with pytest.raises(DagbokError, match="not a date or time"):
        demo.present("yesterday")
