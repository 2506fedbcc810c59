"""Importing: KS Fiks Arkiv messages a second, a case with a letter and two files each, through the ordinary door."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from functools import partial

from api.fiks_arkiv import service
from domain.handlers.gate import Actor
from domain.ledger.identity import new_id
from tools.bench.measure import Result, compare, rate
from tools.bench.place import Place
from tools.demo.messages import SENT, message
from tools.demo.paper import letter

MESSAGES = 400


def measure(place: Place, events: int) -> Sequence[Result]:
    """With 1 and 8 senders; 400 messages, fewer in a small run."""
    count = min(MESSAGES, max(events // 100, 20))
    return [
        compare(
            f"import, KS message with two files, {senders} senders", partial(_send, place, count, senders), None, "messages/s"
        )
        for senders in (1, 8)
    ]


def _send(place: Place, count: int, senders: int) -> float:
    tenant = place.tenant(follow=True)
    paper = letter("Bench", "Bench", "2026-01-01", 1)
    at = place.installation.clock.now()
    run_id = new_id()

    def one(number: int) -> None:
        sent = dataclasses.replace(SENT[number % len(SENT)], key=f"{run_id}-{number}")
        files = {name: tenant.ledger.blobs.put(new_id(), [paper]) for name in ("soknad.pdf", sent.attachment)}
        answers = service.handle(tenant, message(sent, at), files, message_id=f"{run_id}-{number}", actor=Actor("bench"))
        if "kvittering" not in answers[-1].type:
            raise ValueError(f"the message was answered with {answers[-1].type}")

    started = time.perf_counter()
    rate(one, count, senders)
    return count / (time.perf_counter() - started)
