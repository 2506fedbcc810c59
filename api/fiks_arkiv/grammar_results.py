"""Answers to get and search, and the two shortened archive structures that search may answer with."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

MINIMUM = Table(
    prefix="minimum",
    path="arkivstruktur/minimum/v1",
    types={
        "klassifikasjonssystemMinimum": "klassifikasjonssystemID klassifikasjonstype? tittel",
        "klassifikasjon": "klassifikasjonID? klassifikasjonssystem=klassifikasjonssystemMinimum klasseID tittel? erSkjermet?",
        "klasseMinimum": (
            "klasseID tittel skjerming=skjermingMinimum? gradering=graderingMinimum? "
            "klassifikasjonssystem=klassifikasjonssystemMinimum"
        ),
        "mappeMinimum": (
            "systemID mappeID referanseForeldermappe=md.referanseTilMappe? tittel offentligTittel? "
            "skjerming=skjermingMinimum? gradering=graderingMinimum? klassifikasjon=klassifikasjon* "
            "referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "saksmappeMinimum < mappeMinimum": "saksaar sakssekvensnummer saksdato administrativEnhet saksansvarlig saksstatus",
        "registreringMinimum": (
            "systemID skjerming=skjermingMinimum? gradering=graderingMinimum? "
            "dokumentbeskrivelse=dokumentbeskrivelseMinimum* registreringsID? tittel offentligTittel? "
            "korrespondansepart=korrespondansepartMinimum*"
        ),
        "journalpostMinimum < registreringMinimum": (
            "journalaar journalsekvensnummer journalpostnummer journalposttype journalstatus journaldato dokumentetsDato?"
        ),
        "journalpostMedSaksmappeMinimum < journalpostMinimum": (
            "saksaar sakssekvensnummer saksdato administrativEnhet saksansvarlig saksstatus"
        ),
        "korrespondansepartMinimum": "korrespondanseparttype korrespondansepartNavn",
        "dokumentbeskrivelseMinimum": (
            "systemID dokumenttype dokumentstatus tittel skjerming=skjermingMinimum? gradering=graderingMinimum? "
            "dokumentobjekt=dokumentobjektMinimum*"
        ),
        "dokumentobjektMinimum": (
            "systemID versjonsnummer variantformat format formatDetaljer? referanseDokumentfil filstoerrelse"
        ),
        "skjermingMinimum": "tilgangsrestriksjon skjermingshjemmel skjermingOpphoererDato? skjermingOpphoererAksjon?",
        "graderingMinimum": "grad graderingsdato gradertAv nedgraderingsdato? nedgradertAv?",
    },
)
"""The minimum archive structure."""

KEYS = Table(
    prefix="keys",
    path="arkivstruktur/noekler/v1",
    types={
        "mappeNoekler": "systemID? mappeID? referanseEksternNoekkel=md.eksternNoekkel?",
        "saksmappeNoekler < mappeNoekler": "saksnummer?",
        "partNoekler": "partID?",
        "registreringNoekler": "systemID? referanseEksternNoekkel=md.eksternNoekkel?",
        "journalpostNoekler < registreringNoekler": "journalaar? journalsekvensnummer? journalpostnummer?",
        "dokumentbeskrivelseNoekler": "systemID?",
    },
)
"""The keys of the archive structure."""

CASE_RESULT = Table(
    prefix="case_result",
    path="mappe/hent/resultat/v1",
    types={
        "mappeHentResultat": "mappe=record.mappe? saksmappe=record.saksmappe?",
    },
    roots={
        "mappeHentResultat": Root("mappeHentResultat", MESSAGE + "innsyn.mappe.hent.resultat"),
    },
    imports=("record",),
)
"""Answer to `mappe.hent`."""

ENTRY_RESULT = Table(
    prefix="entry_result",
    path="registrering/hent/resultat/v1",
    types={
        "registreringHentResultat": "registrering=record.registrering? journalpost=record.journalpost?",
    },
    roots={
        "registreringHentResultat": Root("registreringHentResultat", MESSAGE + "innsyn.registrering.hent.resultat"),
    },
    imports=("record",),
)
"""Answer to `registrering.hent`."""

FOUND = Table(
    prefix="found",
    path="sokeresultat/utvidet/v1",
    types={
        "sokeresultat": (
            "system=xs.string take=xs.int skip=xs.int count=xs.int resultattype=resultatType resultatListe=resultatListe"
        ),
        "resultatListe": "resultat=resultat*",
        "resultat": (
            "(mappe=record.mappe | saksmappe=record.saksmappe | registrering=record.registrering | "
            "journalpost=record.journalpost | journalpostMedSaksmappe=record.journalpostMedSaksmappe | "
            "dokumentbeskrivelse=record.dokumentbeskrivelse)"
        ),
    },
    enums={
        "resultatType": "mappe saksmappe registrering journalpost journalpostMedSaksmappe dokumentbeskrivelse",
    },
    roots={
        "sokeresultat": Root("sokeresultat", MESSAGE + "innsyn.sok.resultat.utvidet"),
    },
    imports=("record",),
)
"""Search answer `utvidet`."""

FOUND_MINIMUM = Table(
    prefix="found_minimum",
    path="sokeresultat/minimum/v1",
    types={
        "sokeresultatMinimum": (
            "system=xs.string take=xs.int skip=xs.int count=xs.int resultattype=resultatTypeMinimum "
            "resultatListe=resultatListeMinimum"
        ),
        "resultatListeMinimum": "resultatMinimum=resultatMinimum*",
        "resultatMinimum": (
            "(mappe=minimum.mappeMinimum | saksmappe=minimum.saksmappeMinimum | "
            "registrering=minimum.registreringMinimum | journalpost=minimum.journalpostMinimum | "
            "journalpostMedSaksmappe=minimum.journalpostMedSaksmappeMinimum | "
            "dokumentbeskrivelse=minimum.dokumentbeskrivelseMinimum)"
        ),
    },
    enums={
        "resultatTypeMinimum": "mappe saksmappe registrering journalpost journalpostMedSaksmappe dokumentbeskrivelse",
    },
    roots={
        "sokeresultatMinimum": Root("sokeresultatMinimum", MESSAGE + "innsyn.sok.resultat.minimum"),
    },
    imports=("minimum",),
)
"""Search answer `minimum`."""

FOUND_KEYS = Table(
    prefix="found_keys",
    path="sokeresultat/noekler/v1",
    types={
        "sokeresultatNoekler": (
            "system=xs.string take=xs.int skip=xs.int count=xs.int resultattype=resultatTypeNoekler "
            "resultatListe=resultatListeNoekler"
        ),
        "resultatListeNoekler": "resultatNoekler=resultatNoekler*",
        "resultatNoekler": (
            "(mappe=keys.mappeNoekler | saksmappe=keys.saksmappeNoekler | registrering=keys.registreringNoekler | "
            "journalpost=keys.journalpostNoekler | dokumentbeskrivelse=keys.dokumentbeskrivelseNoekler)"
        ),
    },
    enums={
        "resultatTypeNoekler": "mappe saksmappe registrering journalpost dokumentbeskrivelse",
    },
    roots={
        "sokeresultatNoekler": Root("sokeresultatNoekler", MESSAGE + "innsyn.sok.resultat.noekler"),
    },
    imports=("keys",),
)
"""Search answer `noekler`."""
