"""An opened installation: what it keeps in order by itself."""

from __future__ import annotations

import os
import uuid
from datetime import date

from api.installation import Tenant
from domain.handlers import documents
from domain.handlers.metadata import Metadata
from domain.handlers.work import run
from domain.ledger.blobs import Folder
from tests.fixtures_ledger import CONTEXT, new_case, new_entry


def test_the_sweep_takes_what_no_fact_names_and_nothing_else(tenant: Tenant) -> None:
    ledger = tenant.ledger
    blobs = ledger.blobs
    assert isinstance(blobs, Folder)
    entry = new_entry(ledger, new_case(ledger))
    named, orphan, fresh = (blobs.put(uuid.uuid4(), [b"plain text"]) for _ in range(3))
    given = documents.GivenObject(named, "brev.txt")
    command = documents.AddDocument(uuid.uuid4(), entry, Metadata(title="Brev"), objects=(given,))
    run(ledger, CONTEXT, (entry,), lambda work: documents.add(work, command))
    long_ago = date(2020, 1, 1).toordinal()
    for stored in (named, orphan):
        os.utime(blobs.path(stored.object_id), (long_ago, long_ago))
    assert tenant.sweep() == [orphan.object_id.hex]
    assert blobs.path(named.object_id).exists()
    assert blobs.path(fresh.object_id).exists()
