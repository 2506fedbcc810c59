"""The application as strangers meet it: served over TCP, and asked what the description of its interface allows and forbids.

Half of the ids that a request names are of units that exist, made beforehand: invented ones would all end at 404.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from domain.model import codes
from tests.api.fiks import written
from tests.fixtures_web import PDF

SEED = 20260301
CHECKS = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
)
GENERATED = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application on a free port of this machine; its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


CODES = {
    "status": sorted({*codes.CASE_STATUS, *codes.ENTRY_STATUS, *codes.DOCUMENT_STATUS}),
    "entry_type": sorted(codes.ENTRY_TYPE),
    "party_type": sorted(codes.PARTY_TYPE),
    "method": sorted(codes.SIGN_OFF_METHOD),
    "association": sorted(codes.ASSOCIATION),
    "variant": sorted(codes.VARIANT),
    "access_restriction": sorted(codes.ACCESS_RESTRICTION),
}
DOCUMENT_FORM = {"metadata": {"title": "Brev"}, "file": PDF}
SAME_AS = {"answered_by": "entry", "unit": "case"}


@dataclass
class Known:
    """What exists. ids: by the name of the path parameter or body field that takes them; together: paths' parameters that belong
    to each other; messages: KS Fiks Arkiv payloads."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    together: list[dict[str, str]] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def of(self, name: str) -> Sequence[str]:
        """Those that a parameter or field may take; empty where none is known."""
        return self.ids.get(SAME_AS.get(name, name)) or CODES.get(name, ())


def plant(url: str) -> Known:
    """A few cases with entries, parties, sign-offs and documents, made over the interface itself."""
    known = Known({name: [] for name in ("case", "entry", "document", "party")} | {"position": ["1", "2", "3"]})
    for n in range(3):
        case = _made(requests.post(f"{url}/api/v1/cases", json={"title": f"Naust {n}"}, timeout=30))
        known.ids["case"].append(case)
        for kind in ("I", "U", "N"):
            _plant_entry(url, known, case, kind)
    for position in known.ids["position"]:
        assert requests.post(f"{url}/api/v1/log/receipts", json={"position": int(position)}, timeout=30).status_code == 202
    key = ("Fag", "1")
    known.messages = [
        written.case_message("Sak", key),
        written.entry_message("Brev", parties=written.party("Kari")),
        written.update_case(key, "<tittel>Ny</tittel>"),
        written.get_case(external=key),
        written.get_entry(known.ids["entry"][0]),
    ]
    return known


def _plant_entry(url: str, known: Known, case: str, kind: str) -> None:
    party = {"party_type": "EA" if kind == "I" else "EM", "name": "Ola Nordmann"}
    body = {"title": "Brev", "entry_type": kind, "status": "S" if kind != "I" else "J", "parties": [party]}
    entry = _made(requests.post(f"{url}/api/v1/cases/{case}/entries", json=body, timeout=30))
    file = {"metadata": (None, '{"title": "Brev"}'), "file": ("brev.pdf", PDF)}
    document = _made(requests.post(f"{url}/api/v1/entries/{entry}/documents", files=file, timeout=30))
    known.ids["entry"].append(entry)
    known.ids["document"].append(document)
    shown = requests.get(f"{url}/api/v1/documents/{document}", timeout=30).json()
    known.together.append({"document": document, "object_id": shown["objects"][0]["id"]})
    known.ids["party"].append(requests.get(f"{url}/api/v1/entries/{entry}", timeout=30).json()["parties"][0]["id"])
    if kind == "I":
        signed = requests.post(f"{url}/api/v1/entries/{entry}/sign-offs", json={"method": "TE"}, timeout=30)
        known.together.append({"entry": entry, "sign_off_id": _made(signed)})


def _made(answer: requests.Response) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def cases_of(operation: Any, known: Known, url: str) -> st.SearchStrategy[Any]:
    """Requests for an operation, in and against its description, with what exists among what is invented."""
    generated = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GENERATED])
    shared = [one for one in known.together if one.keys() == set(operation.path_parameters.validation_schema["properties"])]

    @st.composite
    def strategy(draw: st.DrawFn) -> Any:
        case = draw(generated)
        if _in_order(case, ParameterLocation.PATH):
            if shared and draw(st.booleans()):
                case.path_parameters.update(draw(st.sampled_from(shared)))
            elif case.path_parameters:
                _with_known(draw, case.path_parameters, known, ("status", "method"))
        if isinstance(case.body, dict):
            if _in_order(case, ParameterLocation.BODY):
                _with_known(draw, case.body, known)
            if "payload" in case.body and draw(st.booleans()):
                case.body["payload"] = draw(st.sampled_from(known.messages))
            if "file" in case.body and not draw(st.integers(0, 3)):
                case.body = dict(DOCUMENT_FORM)
        if case.method == "PATCH" and draw(st.booleans()):
            shown = requests.get(url + operation.path.format(**case.path_parameters), timeout=30)
            case.headers["If-Match"] = shown.headers.get("ETag", "*")
        if case.method == "POST" and draw(st.booleans()):
            case.headers["Idempotency-Key"] = draw(st.sampled_from("abcdef"))
        return case

    return strategy()


def _in_order(case: Any, place: ParameterLocation) -> bool:
    """Whether a part of the request is as described: what is wrong on purpose must stay wrong."""
    part = case.meta.components.get(place)
    return part is None or part.mode == GenerationMode.POSITIVE


def _with_known(draw: st.DrawFn, values: dict[str, Any], known: Known, but: Sequence[str] = ()) -> None:
    """Put what exists into some of the values, at any depth."""
    for name, value in list(values.items()):
        if isinstance(value, dict):
            _with_known(draw, value, known)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _with_known(draw, one, known)
        elif isinstance(value, str) and name not in but and known.of(name) and draw(st.integers(0, 3)):
            values[name] = draw(st.sampled_from(known.of(name)))


@dataclass
class Told:
    """What a run saw: requests and statuses by operation, and the failures in the detector's own words."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(
            f"{label}: {count} requests, "
            + ", ".join(f"{status} x {n}" for (one, status), n in sorted(self.statuses.items()) if one == label)
            for label, count in sorted(self.cases.items())
        )


def faults_of(case: Any, answer: Any) -> list[str]:
    """What is wrong with an answer: a fault of the server, or not as the interface says."""
    if answer.status_code >= 500:
        excused = answer.status_code == 503 and answer.headers.get("retry-after", [""])[0].isdigit()
        if not excused:
            return [f"{case.operation.label}: {answer.status_code} {answer.text[:500]}\n{case.as_curl_command()}"]
    # its bytes are no JSON, and so no instance of the form's schema to Schemathesis
    right = case.body == DOCUMENT_FORM
    excluded = [not_a_server_error, *([checks.negative_data_rejection] if right else [])]
    try:
        case.validate_response(answer, checks=list(CHECKS), excluded_checks=excluded)
    except FailureGroup as group:
        return [f"{case.operation.label}: {one.title}: {one.message}\n{case.as_curl_command()}" for one in group.exceptions]
    return []


def attack(url: str, known: Known, examples: int, seed: int, only: str = "") -> Told:
    """So many requests of each kind of generation to every operation of the interface at `url`; `only`: a part of its label."""
    load_all_checks()
    told = Told()
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    schema.config.update(base_url=url)
    with requests.Session() as session:
        operations = [result.ok() for result in schema.get_all_operations()]
        for operation in sorted(operations, key=lambda one: one.method != "delete"):  # first, while there is something to delete
            if only in operation.label:
                _attack_one(
                    operation, known, url, session, told, examples, random.Random(f"{seed} {operation.label}").randrange(2**32)
                )
    return told


def _attack_one(operation: Any, known: Known, url: str, session: requests.Session, told: Told, examples: int, seed: int) -> None:
    found: list[str] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(case=cases_of(operation, known, url))
    def ask(case: Any) -> None:
        answer = case.call(session=session)
        told.cases[operation.label] += 1
        told.statuses[operation.label, answer.status_code] += 1
        found.extend(faults_of(case, answer))

    ask()
    told.failures += list({one.partition("\n")[0]: one for one in reversed(found)}.values())[:5]
