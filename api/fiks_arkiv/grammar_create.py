"""What creates: case files and registry entries with everything under them."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

CREATE = Table(
    prefix="create",
    path="arkivmelding/opprett/v1",
    types={
        "arkivmelding": "system=xs.string regel=xs.string? antallFiler=xs.int mappe=mappe? registrering=registrering?",
        "mappe": (
            "systemID? mappeID? referanseForeldermappe=md.referanseTilMappe? tittel offentligTittel? beskrivelse? "
            "noekkelord* dokumentmedium? opprettetDato? opprettetAv? avsluttetDato? avsluttetAv? arkivdel=md.kode? "
            "virksomhetsspesifikkeMetadata=xs.anyType? part=part* kryssreferanse=kryssreferanse* merknad=merknad* "
            "skjerming=skjerming? gradering=gradering? klassifikasjon=klassifikasjon* "
            "referanseEksternNoekkel=md.eksternNoekkel? mappetype=md.kode?"
        ),
        "saksmappe < mappe": (
            "saksaar? sakssekvensnummer? saksdato? administrativEnhet? saksansvarlig? journalenhet? saksstatus? "
            "presedens=presedens* matrikkelnummer=matrikkelnummer* byggident=byggident* planident=planident* "
            "punkt=punkt* adresse=adresse*"
        ),
        "registrering": (
            "systemID? opprettetDato? opprettetAv? arkivertDato? arkivertAv? "
            "(referanseForelderMappe=md.referanseTilMappe | arkivdel=md.kode)? part=part* skjerming=skjerming? "
            "gradering=gradering? dokumentbeskrivelse=dokumentbeskrivelse* registreringsID? tittel offentligTittel? "
            "beskrivelse? noekkelord* forfatter* dokumentmedium? virksomhetsspesifikkeMetadata=xs.anyType? "
            "merknad=merknad* kryssreferanse=kryssreferanse* korrespondansepart=korrespondansepart* "
            "klassifikasjon=klassifikasjon* referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "journalpost < registrering": (
            "journalaar? journalsekvensnummer? journalpostnummer? journalposttype journalstatus? journaldato? "
            "dokumentetsDato? mottattDato? sendtDato? forfallsdato? offentlighetsvurdertDato? antallVedlegg? "
            "journalenhet? dokumentflyt=dokumentflyt* presedens=presedens* avskrivningsdato?"
        ),
        "arkivnotat < registrering": (
            "dokumentetsDato? mottattDato? sendtDato? forfallsdato? offentlighetsvurdertDato? antallVedlegg? "
            "dokumentflyt=dokumentflyt*"
        ),
        "dokumentbeskrivelse": (
            "systemID? dokumenttype? dokumentstatus? tittel beskrivelse? forfatter* opprettetDato? opprettetAv? "
            "dokumentmedium? tilknyttetRegistreringSom dokumentnummer? tilknyttetDato? tilknyttetAv? part=part* "
            "merknad=merknad* skjerming=skjerming? gradering=gradering? dokumentobjekt=dokumentobjekt* "
            "referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "dokumentobjekt": (
            "systemID? versjonsnummer? variantformat? format? formatDetaljer? mimeType=xs.string? opprettetDato? "
            "opprettetAv? filnavn=xs.string referanseDokumentfil sjekksum? sjekksumAlgoritme? filstoerrelse?"
        ),
        "part": (
            "partID? partNavn partRolle? (organisasjonID=organisasjonsID? | personID=personID?)? postadresse* "
            "postnummer? poststed? landkode? epostadresse? telefonnummer* kontaktperson? "
            "virksomhetsspesifikkeMetadata=xs.anyType? erSkjermet? erPersonnavn?"
        ),
        "korrespondansepart": (
            "korrespondansepartID? korrespondanseparttype erBehandlingsansvarlig=xs.boolean? korrespondansepartNavn "
            "(organisasjonid? | personid?)? postadresse* postnummer? poststed? landkode? epostadresse? telefonnummer* "
            "kontaktperson? administrativEnhet? saksbehandler? erSkjermet? erPersonnavn? forsendelsesmaate? "
            "deresReferanse=xs.string? avskrivning=avskrivning*"
        ),
        "avskrivning": (
            "avskrivningsdato avskrevetAv=md.saksbehandler avskrivningsmaate "
            "referanseAvskrivesAvJournalpost=md.referanseTilJournalpost? "
            "referanseAvskriverJournalpost=md.referanseTilJournalpost?"
        ),
        "hendelseslogg": "referanseArkivenhet beskrivelse? hendelsestype hendelsesdato utfortAv?",
        "matrikkelnummer": "kommunenummer gardsnummer bruksnummer festenummer? seksjonsnummer?",
        "byggident": "bygningsnummer endringsloepenummer?",
        "planident": "planidentifikasjon (kommunenummer? | fylkesnummer? | landkode?)?",
        "punkt": "punktID? koordinatsystem x y z?",
        "organisasjonsID": "identifikator=xs.string landkode=landkode?",
        "personID": "landkode=landkode identifikator=xs.string",
        "merknad": "merknadID? merknadstekst merknadstype? merknadsdato? merknadRegistrertAv? erSkjermet?",
        "skjerming": "tilgangsrestriksjon skjermingshjemmel skjermingOpphoererDato? skjermingOpphoererAksjon?",
        "gradering": "grad graderingsdato gradertAv nedgraderingsdato? nedgradertAv?",
        "dokumentflyt": "flytTil flytFra flytMottattDato flytSendtDato flytStatus flytMerknad?",
        "klassifikasjon": "klassifikasjonssystemID? klasseID tittel? erSkjermet?",
        "presedens": (
            "presedensDato opprettetDato opprettetAv tittel beskrivelse? presedensHjemmel? rettskildefaktor "
            "presedensGodkjentDato? presedensGodkjentAv? avsluttetDato? avsluttetAv? presedensStatus?"
        ),
        "kryssreferanse": "kryssreferanseID? referanseTilMappe? referanseTilRegistrering? referanseTilDokumentbeskrivelse?",
        "kassasjon": "kassasjonsvedtak kassasjonshjemmel? bevaringstid kassasjonsdato",
        "adresse": "adresse=md.postadresse postnummer poststed",
        "moetemappe < mappe": (
            "moetenummer utvalg moetedato moetested? referanseForrigeMoete? referanseNesteMoete? moetedeltaker*"
        ),
        "moetesak < registrering": (
            "moetesakstype moetesaksaar=md.saksaar moetesakssekvensnummer=md.sakssekvensnummer administrativEnhet? "
            "utredning=utredning? innstilling=md.moetesaksBeskrivelse? vedtak=vedtak?"
        ),
        "utredning": (
            "saksbeskrivelse=md.moetesaksBeskrivelse innstilling=md.moetesaksBeskrivelse "
            "utredningsdokumenter=dokumentbeskrivelse*"
        ),
        "vedtak": (
            "vedtakstekst=md.moetesaksBeskrivelse votering=votering* behandlingsprotokoll? "
            "vedtaksdokumenter=dokumentbeskrivelse* dato=md.vedtaksdato"
        ),
        "votering": "moetedeltaker stemme=md.moeteStemme representerer?",
        "moetedokument < registrering": "moetedokumenttype",
    },
    values={
        "country": "landkode",
    },
    roots={
        "arkivmelding": Root("arkivmelding", MESSAGE + "arkivering.arkivmelding.opprett"),
    },
)
"""`arkivmelding.opprett`: at most one case file and one registration."""
