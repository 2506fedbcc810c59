"""The message types of the protocol: what a request may be answered with.

Source: the protocol's list of message types. It misspells the invalid-request answer and names neither receipt nor faults for
`dokumentobjekt.opprett`; the names and answers here are those of the schemas and of the publisher's test cases.
"""

from dataclasses import dataclass

from api.fiks_arkiv.grammar_table import MESSAGE

CREATE = MESSAGE + "arkivering.arkivmelding.opprett"
"""Create a case file, a registry entry or both."""
UPDATE = MESSAGE + "arkivering.arkivmelding.oppdater"
"""Change a case file, a registration or a document description."""
SIGN_OFF = MESSAGE + "arkivering.avskrivning.opprett"
"""Sign off a registry entry for one correspondence party."""
SIGN_OFF_DELETE = MESSAGE + "arkivering.avskrivning.slett"
"""Take a sign-off back."""
DOCUMENT_OBJECT = MESSAGE + "arkivering.dokumentobjekt.opprett"
"""Add a version or variant of a file to a document description."""
CASE_GET = MESSAGE + "innsyn.mappe.hent"
"""Fetch a case file."""
ENTRY_GET = MESSAGE + "innsyn.registrering.hent"
"""Fetch a registration."""
FILE_GET = MESSAGE + "innsyn.dokumentfil.hent"
"""Fetch the bytes of a document object."""
SEARCH = MESSAGE + "innsyn.sok"
"""Search."""

ERROR_INVALID = MESSAGE + "feilmelding.ugyldigforespoersel"
"""The request is faulty; nothing was stored."""
ERROR_NOT_FOUND = MESSAGE + "feilmelding.ikkefunnet"
"""What the request refers to does not exist."""
ERROR_SERVER = MESSAGE + "feilmelding.serverfeil"
"""The archive failed; the request may be sent again."""

SEARCH_KEYS = SEARCH + ".resultat.noekler"
"""Search answer with keys only."""
SEARCH_MINIMUM = SEARCH + ".resultat.minimum"
"""Search answer with the most needed elements."""
SEARCH_FULL = SEARCH + ".resultat.utvidet"
"""Search answer with whole units."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: the name that its payload has in the transport, its answers in order of sending, and its fault messages.

    Of the answers, those ending in `.mottatt` are empty, and so is every receipt without a `payload_name`.
    `SEARCH` is answered with exactly one of its three, told by `responstype`.
    """

    id: str
    payload: str
    answers: tuple[str, ...]
    errors: tuple[str, ...]


def _request(type_id: str, payload: str, answers: tuple[str, ...], not_found: bool) -> Request:
    errors = (ERROR_INVALID, ERROR_SERVER, *((ERROR_NOT_FOUND,) if not_found else ()))
    return Request(type_id, payload, tuple(type_id + answer for answer in answers), errors)


_RECEIVED = (".mottatt", ".kvittering")
_RESULT = (".resultat",)

REQUESTS: dict[str, Request] = {
    request.id: request
    for request in (
        _request(CREATE, "arkivmelding.xml", _RECEIVED, False),
        _request(UPDATE, "arkivmelding.xml", _RECEIVED, True),
        _request(SIGN_OFF, "avskrivning-opprett.xml", _RECEIVED, False),
        _request(SIGN_OFF_DELETE, "avskrivning-slett.xml", _RECEIVED, True),
        _request(DOCUMENT_OBJECT, "dokumentobjekt-opprett.xml", _RECEIVED, False),
        _request(CASE_GET, "mappe-hent.xml", _RESULT, True),
        _request(ENTRY_GET, "registrering-hent.xml", _RESULT, True),
        _request(FILE_GET, "dokumentfil-hent.xml", _RESULT, True),
        _request(SEARCH, "sok.xml", (".resultat.utvidet", ".resultat.minimum", ".resultat.noekler"), True),
    )
}
"""The requests by message type id."""

_PAYLOADS = {
    CREATE + ".kvittering": "arkivmelding-kvittering.xml",
    DOCUMENT_OBJECT + ".kvittering": "dokumentobjekt-kvittering.xml",
    CASE_GET + ".resultat": "mappe.xml",
    ENTRY_GET + ".resultat": "registrering.xml",
    SEARCH_FULL: "resultat.xml",
    SEARCH_MINIMUM: "resultat.xml",
    SEARCH_KEYS: "resultat.xml",
    ERROR_INVALID: "feilmelding.xml",
    ERROR_NOT_FOUND: "feilmelding.xml",
    ERROR_SERVER: "feilmelding.xml",
}


def may_answer_not_found(type_id: str) -> bool:
    """Whether the request may be answered with `ERROR_NOT_FOUND`; an unknown type may not."""
    request = REQUESTS.get(type_id)
    return request is not None and ERROR_NOT_FOUND in request.errors


def payload_name(answer_id: str) -> str | None:
    """The file name of an answer's document in the transport; None without one, and for `dokumentfil.hent.resultat`."""
    return _PAYLOADS.get(answer_id)
