"""The 26 published cases, each in a tenant of its own: their answers, their queries, their second sending."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.app import create_app
from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.message_types import ERROR_INVALID, ERROR_NOT_FOUND, may_answer_not_found
from api.installation import Installation, Tenant
from tests.api.fiks import schemas
from tests.api.fiks.published import SUBSTITUTED, expected, prepared, unmet
from tests.api.fiks.sending import Send, blobs, by_folder, by_http, by_service, head, named_files, refusal
from tests.conftest import reference_folder

pytestmark = pytest.mark.reference
NAMES = sorted(schemas.cases(reference_folder()))


def meets(reference: Path, name: str, answers: list[Answer]) -> None:
    """The types, the queries and the schemas that a case asks for."""
    wanted = expected(reference, name)
    if name in schemas.REFUSED:
        assert refusal(answers)
        assert answers[0].payload is not None
        assert schemas.valid(reference, answers[0].payload)
        return
    assert [one.type for one in answers] == wanted.answers, [one.payload for one in answers]
    assert unmet(wanted, answers) == []
    for one in answers:
        assert one.payload is None or schemas.valid(reference, one.payload), one.payload


def carried_out(send: Send, tenant: Tenant, reference: Path, name: str) -> None:
    """Send a case with its predecessors, then once more: the second sending is answered alike and adds nothing."""
    payload, files = prepared(send, reference, name)
    before = head(tenant)
    meets(reference, name, send(payload, files))
    after, stored = head(tenant), blobs(tenant)
    if name in schemas.REFUSED:
        assert after == before
    meets(reference, name, send(payload, files))
    assert (head(tenant), blobs(tenant)) == (after, stored)


def test_there_are_26_cases() -> None:
    assert len(NAMES) == 26
    assert set(NAMES) >= schemas.REFUSED | SUBSTITUTED


@pytest.mark.parametrize("name", NAMES)
def test_a_case_through_the_service(tenant: Tenant, reference: Path, name: str) -> None:
    carried_out(by_service(tenant), tenant, reference, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_through_http(installation: Installation, reference: Path, name: str) -> None:
    carried_out(by_http(create_app(installation)), installation.open(), reference, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_through_a_folder(tenant: Tenant, reference: Path, tmp_path: Path, name: str) -> None:
    carried_out(by_folder(tenant, tmp_path / "cases"), tenant, reference, name)


@pytest.mark.parametrize("name", sorted(SUBSTITUTED))
def test_a_case_as_it_stands_names_what_is_not_there(tenant: Tenant, reference: Path, name: str) -> None:
    """CONTRACT: an unknown reference is `ikkefunnet` where the protocol lets it be, else it is named in `ugyldigforespoersel`."""
    payload = schemas.cases(reference)[name]
    before = head(tenant)
    answers = by_service(tenant)(payload, named_files(payload))
    wanted = ERROR_NOT_FOUND if may_answer_not_found(expected(reference, name).request) else ERROR_INVALID
    assert [one.type for one in answers] == [wanted]
    assert answers[0].payload is not None
    assert schemas.valid(reference, answers[0].payload)
    assert (head(tenant), blobs(tenant)) == (before, [])
