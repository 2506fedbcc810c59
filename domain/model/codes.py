"""Code lists of Noark 5 (v5.0, catalogue M050-M700). A code is stored; its name is shown.

Each table maps code -> (nb, nn, sv, en). Lists that the standard fixes are closed: an unknown code is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.model.errors import Refused

Names = tuple[str, str, str, str]
CodeList = Mapping[str, Names]

CASE_STATUS: CodeList = {  # M052 saksstatus
    "B": ("Under behandling", "Under handsaming", "Under handläggning", "Being processed"),
    "A": ("Avsluttet", "Avslutta", "Avslutat", "Closed"),
    "U": ("Utgår", "Går ut", "Utgår", "Cancelled"),
    "R": ("Opprettet av saksbehandler", "Oppretta av sakshandsamar", "Upprättat av handläggare", "Created by caseworker"),
    "S": ("Avsluttet av saksbehandler", "Avslutta av sakshandsamar", "Avslutat av handläggare", "Closed by caseworker"),
    "P": ("Unntatt prosesstyring", "Unnateke prosesstyring", "Undantaget processtyrning", "Exempt from process control"),
    "F": ("Ferdig fra saksbehandler", "Ferdig frå sakshandsamar", "Klart från handläggare", "Finished by caseworker"),
}
ENTRY_STATUS: CodeList = {  # M053 journalstatus
    "J": ("Journalført", "Journalført", "Diariefört", "Journalled"),
    "F": ("Ferdigstilt fra saksbehandler", "Ferdigstilt frå sakshandsamar", "Klart från handläggare", "Finished by caseworker"),
    "G": ("Godkjent av leder", "Godkjend av leiar", "Godkänt av chef", "Approved by manager"),
    "E": ("Ekspedert", "Ekspedert", "Expedierat", "Dispatched"),
    "A": ("Arkivert", "Arkivert", "Arkiverat", "Archived"),
    "U": ("Utgår", "Går ut", "Utgår", "Cancelled"),
    "M": ("Midlertidig registrering", "Mellombels registrering", "Preliminär registrering", "Preliminary registration"),
    "S": ("Registrert av saksbehandler", "Registrert av sakshandsamar", "Registrerat av handläggare", "Registered by caseworker"),
    "R": ("Reservert", "Reservert", "Reserverat", "Reserved"),
}
ENTRY_TYPE: CodeList = {  # M082 journalposttype
    "I": ("Inngående dokument", "Inngåande dokument", "Inkommen handling", "Incoming document"),
    "U": ("Utgående dokument", "Utgåande dokument", "Utgående handling", "Outgoing document"),
    "N": ("Internt for oppfølging", "Internt for oppfølging", "Intern för uppföljning", "Internal, to be followed up"),
    "X": ("Internt uten oppfølging", "Internt utan oppfølging", "Intern utan uppföljning", "Internal, no follow-up"),
    "S": ("Saksframlegg", "Saksframlegg", "Tjänsteutlåtande", "Report to committee"),
}
DOCUMENT_STATUS: CodeList = {  # M054 dokumentstatus
    "B": ("Under redigering", "Under redigering", "Under redigering", "Being edited"),
    "F": ("Ferdigstilt", "Ferdigstilt", "Färdigställd", "Finished"),
}
SIGN_OFF_METHOD: CodeList = {  # M619 avskrivningsmaate
    "BU": ("Besvart med brev", "Svara på med brev", "Besvarad med brev", "Answered by letter"),
    "BE": ("Besvart med e-post", "Svara på med e-post", "Besvarad med e-post", "Answered by e-mail"),
    "TLF": ("Besvart på telefon", "Svara på per telefon", "Besvarad per telefon", "Answered by telephone"),
    "TE": ("Tatt til etterretning", "Teken til etterretning", "Noterad", "Noted"),
    "TO": ("Tatt til orientering", "Teken til orientering", "För kännedom", "For information"),
    "BN": ("Besvart med notat", "Svara på med notat", "Besvarad med notat", "Answered by memo"),
    "SA": ("Saken ble avsluttet", "Saka vart avslutta", "Ärendet avslutades", "The case was closed"),
}
PARTY_TYPE: CodeList = {  # M087 korrespondanseparttype
    "EA": ("Avsender", "Avsendar", "Avsändare", "Sender"),
    "EM": ("Mottaker", "Mottakar", "Mottagare", "Recipient"),
    "EK": ("Kopimottaker", "Kopimottakar", "Kopiemottagare", "Copy recipient"),
    "GM": ("Gruppemottaker", "Gruppemottakar", "Gruppmottagare", "Group recipient"),
    "IA": ("Intern avsender", "Intern avsendar", "Intern avsändare", "Internal sender"),
    "IM": ("Intern mottaker", "Intern mottakar", "Intern mottagare", "Internal recipient"),
    "IK": ("Intern kopimottaker", "Intern kopimottakar", "Intern kopiemottagare", "Internal copy recipient"),
    "IS": ("Medavsender", "Medavsendar", "Medavsändare", "Co-sender"),
}
ASSOCIATION: CodeList = {  # M217 tilknyttetRegistreringSom
    "H": ("Hoveddokument", "Hovuddokument", "Huvudhandling", "Main document"),
    "V": ("Vedlegg", "Vedlegg", "Bilaga", "Attachment"),
}
VARIANT: CodeList = {  # M700 variantformat; S is KS Fiks Arkiv's own
    "P": ("Original fil", "Original fil", "Ursprungshandling", "Uploaded file"),
    "A": ("Arkivversjon", "Arkivversjon", "Arkivversion", "Archive version"),
    "O": ("Delvis skjermet versjon", "Delvis skjerma versjon", "Maskad version", "Redacted version"),
    "S": ("Signert dokument", "Signert dokument", "Undertecknad handling", "Signed document"),
}
MEDIUM: CodeList = {  # M300 dokumentmedium
    "F": ("Fysisk medium", "Fysisk medium", "Fysiskt medium", "Physical medium"),
    "E": ("Elektronisk arkiv", "Elektronisk arkiv", "Elektroniskt arkiv", "Electronic archive"),
    "B": ("Blandet arkiv", "Blanda arkiv", "Blandat arkiv", "Mixed archive"),
}
SERIES_STATUS: CodeList = {  # M051 arkivdelstatus
    "A": ("Aktiv periode", "Aktiv periode", "Aktiv period", "Active period"),
    "O": ("Overlappingsperiode", "Overlappingsperiode", "Överlappningsperiod", "Overlapping period"),
    "P": ("Avsluttet periode", "Avslutta periode", "Avslutad period", "Closed period"),
    "U": ("Uaktuelle mapper", "Uaktuelle mapper", "Inaktuella akter", "Inactive files"),
}
FONDS_STATUS: CodeList = {  # M050 arkivstatus
    "O": ("Opprettet", "Oppretta", "Upprättat", "Created"),
    "A": ("Avsluttet", "Avslutta", "Avslutat", "Closed"),
}
ACCESS_RESTRICTION: CodeList = {  # M500 tilgangsrestriksjon (codes of the interface standard)
    "B": ("Begrenset", "Avgrensa", "Begränsat", "Restricted"),
    "K": ("Konfidensielt", "Konfidensielt", "Konfidentiellt", "Confidential"),
    "H": ("Hemmelig", "Hemmeleg", "Hemlig", "Secret"),
    "F": ("Fortrolig", "Fortruleg", "Förtrolig", "In confidence"),
    "SF": ("Strengt fortrolig", "Strengt fortruleg", "Strängt förtrolig", "In strict confidence"),
    "5": ("Unntatt etter offl. § 5", "Unnateke etter offl. § 5", "Undantagen enl. offl. § 5", "Exempt, § 5"),
    "5a": ("Unntatt etter offl. § 5a", "Unnateke etter offl. § 5a", "Undantagen enl. offl. § 5a", "Exempt, § 5a"),
    "6": ("Unntatt etter offl. § 6", "Unnateke etter offl. § 6", "Undantagen enl. offl. § 6", "Exempt, § 6"),
    "11": ("Unntatt etter § 11", "Unnateke etter § 11", "Undantagen enl. § 11", "Exempt, § 11"),
    "13": ("Taushetsplikt, offl. § 13", "Teieplikt, offl. § 13", "Sekretess, offl. § 13", "Duty of secrecy, § 13"),
    "XX": ("Midlertidig sperret", "Mellombels sperra", "Tillfälligt spärrad", "Blocked for now"),
    "P": ("Personalsaker", "Personalsaker", "Personalärenden", "Personnel files"),
    "KL": ("Klientsaker", "Klientsaker", "Klientärenden", "Client files"),
}
SCREENED_METADATA: CodeList = {  # M502 skjermingMetadata
    "KID": ("Klasse-ID", "Klasse-ID", "Klass-ID", "Class id"),
    "TKL": ("Tittel klasse", "Tittel klasse", "Titel klass", "Title of class"),
    "TM1": (
        "Tittel mappe, unntatt første linje",
        "Tittel mappe, unnateke første linje",
        "Titel akt, utom rad 1",
        "File title but line 1",
    ),
    "TMO": ("Tittel mappe, utvalgte ord", "Tittel mappe, utvalde ord", "Titel akt, valda ord", "File title, chosen words"),
    "NPS": ("Navn på part", "Namn på part", "Namn på part", "Name of party"),
    "TR1": (
        "Tittel registrering, unntatt første linje",
        "Tittel registrering, unnateke første linje",
        "Titel, utom rad 1",
        "Title but line 1",
    ),
    "TRO": ("Tittel registrering, utvalgte ord", "Tittel registrering, utvalde ord", "Titel, valda ord", "Title, chosen words"),
    "NA": ("Navn avsender", "Namn avsendar", "Namn avsändare", "Name of sender"),
    "NM": ("Navn mottaker", "Namn mottakar", "Namn mottagare", "Name of recipient"),
    "TD": ("Tittel dokument", "Tittel dokument", "Titel handling", "Title of document"),
    "MT": ("Merknadstekst", "Merknadstekst", "Anmärkningstext", "Text of comment"),
    "M": ("Midlertidig", "Mellombels", "Tillfällig", "For now"),
}
SCREENED_DOCUMENT: CodeList = {  # M503 skjermingDokument
    "H": ("Hele dokumentet", "Heile dokumentet", "Hela handlingen", "The whole document"),
    "D": ("Deler av dokumentet", "Delar av dokumentet", "Delar av handlingen", "Parts of the document"),
}

_LANGUAGES = {"nb": 0, "nn": 1, "sv": 2, "en": 3}


def require(codes: CodeList, code: str, element: str, metadata: str) -> str:
    """Return `code`, or raise Refused `code.unknown` naming the Noark element and its metadata number."""
    if code not in codes:
        raise Refused("code.unknown", metadata, {"element": element, "code": code[:40], "allowed": " ".join(codes)})
    return code


def name(codes: CodeList, code: str, language: str = "nb") -> str:
    """The name of a code in a language (nb, nn, sv, en); the code itself where it is unknown."""
    names = codes.get(code)
    return names[_LANGUAGES.get(language, 0)] if names else code
