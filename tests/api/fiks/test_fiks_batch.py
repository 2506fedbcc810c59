"""Messages from files and folders: which file is the message, what is written, what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.batch import import_paths
from api.fiks_arkiv.message_types import CREATE, ERROR_INVALID, FILE_GET
from api.installation import Tenant
from domain.model.errors import DagbokError
from tests.api.fiks.sending import SENDER, blobs, head, pdf, value
from tests.api.fiks.written import case_message, document, entry_message, get_entry, get_file

KEY = ("Fagsystem", "post")
LETTER = entry_message("Brev", KEY, document("Brev", "brev.pdf"))


def put(folder: Path, **files: bytes) -> Path:
    """A folder with files; `__` in a name stands for its dot."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def test_files_and_folders_go_in_order_and_are_answered_in_folders(tenant: Tenant, tmp_path: Path) -> None:
    put(tmp_path / "in" / "b", arkivmelding__xml=LETTER, brev__pdf=pdf(), testInformation__json=b"//")
    put(tmp_path / "in" / "a", brev__xml=case_message("Sak"))
    (tmp_path / "alone.xml").write_bytes(case_message("x" * 1_001))
    lines: list[str] = []
    out = tmp_path / "out"
    assert import_paths(tenant, SENDER, [tmp_path / "in", tmp_path / "alone.xml"], out, lines.append) == 1
    assert [line.split(":")[0] for line in lines] == ["a", "b", "alone"]
    assert "ugyldigforespoersel" in lines[2]
    assert "1\u00a0000" in lines[2]
    written = {f"{path.parent.name}/{path.name}": path.stat().st_size for path in out.glob("*/*")}
    assert {name for name, size in written.items() if size == 0} == {f"{case}/1-{CREATE}.mottatt.xml" for case in "ab"}
    assert {name for name, size in written.items() if size} == {
        f"a/2-{CREATE}.kvittering.xml",
        f"b/2-{CREATE}.kvittering.xml",
        f"alone/1-{ERROR_INVALID}.xml",
    }


def test_a_file_is_answered_as_it_is(tenant: Tenant, tmp_path: Path) -> None:
    put(tmp_path / "in", arkivmelding__xml=LETTER, brev__pdf=pdf())
    (tmp_path / "get.xml").write_bytes(get_entry(external=KEY, include=("dokumentobjekt",)))
    import_paths(tenant, SENDER, [tmp_path / "in", tmp_path / "get.xml"], tmp_path / "out", lambda line: None)
    got = next((tmp_path / "out" / "get").iterdir()).read_bytes()
    path = "/registreringHentResultat/journalpost/dokumentbeskrivelse/dokumentobjekt/systemID"
    (tmp_path / "file.xml").write_bytes(get_file(value([Answer("", got)], path)))
    import_paths(tenant, SENDER, [tmp_path / "file.xml"], tmp_path / "out", lambda line: None)
    assert (tmp_path / "out" / "file" / f"1-{FILE_GET}.resultat.bin").read_bytes() == pdf()


def test_an_attachment_may_be_xml_beside_a_message_of_the_protocols_name(tenant: Tenant, tmp_path: Path) -> None:
    payload = entry_message("Brev", KEY, document("Kart", "kart.xml").replace("PDF", "XML"))
    put(tmp_path / "in", arkivmelding__xml=payload, kart__xml=b"<?xml version='1.0'?><kart/>")
    assert import_paths(tenant, SENDER, [tmp_path / "in"], None, lambda line: None) == 0
    assert len(blobs(tenant)) == 1


@pytest.mark.parametrize("files", [{"a__xml": b"<x/>", "b__xml": b"<y/>"}, {"brev__pdf": b"%PDF-"}, {}])
def test_a_folder_without_one_message_is_refused(tenant: Tenant, tmp_path: Path, files: dict[str, bytes]) -> None:
    put(tmp_path / "in", **files)
    before, lines = head(tenant), list[str]()
    assert import_paths(tenant, SENDER, [tmp_path / "in"], None, lines.append) == 1
    assert "exactly one message" in lines[0]
    assert (head(tenant), blobs(tenant)) == (before, [])


def test_cases_of_one_name_do_not_overwrite_each_other(tenant: Tenant, tmp_path: Path) -> None:
    for place in ("x", "y"):
        put(tmp_path / place / "case", m__xml=case_message(place))
    assert import_paths(tenant, SENDER, [tmp_path / "x", tmp_path / "y"], tmp_path / "out", lambda line: None) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["case", "case-2"]


def test_a_path_that_is_not_there_is_told(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(DagbokError, match="is not there"):
        import_paths(tenant, SENDER, [tmp_path / "nothing"])


def test_without_a_report_the_lines_go_to_standard_output(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "in", m__xml=case_message("Sak"))
    import_paths(tenant, SENDER, [tmp_path / "in"])
    assert capsys.readouterr().out == "in: arkivering.arkivmelding.opprett.mottatt, arkivering.arkivmelding.opprett.kvittering\n"
