"""The whole archive structure, as the full answers carry it."""

from api.fiks_arkiv.grammar_table import Root, Table

RECORD = Table(
    prefix="record",
    path="arkivstruktur/v1",
    types={
        "arkiv": (
            "systemID tittel beskrivelse? arkivstatus? dokumentmedium? opprettetDato opprettetAv avsluttetDato "
            "avsluttetAv arkivskaper=arkivskaper+ (arkiv=arkiv+ | arkivdel=arkivdel+)"
        ),
        "arkivskaper": "arkivskaperID arkivskaperNavn beskrivelse?",
        "arkivdel": (
            "systemID tittel beskrivelse? arkivdelstatus dokumentmedium? opprettetDato opprettetAv avsluttetDato "
            "avsluttetAv arkivperiodeStartDato? arkivperiodeSluttDato? referanseForloeper? referanseArvtaker? "
            "kassasjon=kassasjon? utfoertKassasjon=utfoertKassasjon? sletting=sletting? skjerming=skjerming? "
            "gradering=gradering? (klassifikasjonssystem=klassifikasjonssystem* | mappe=mappe* | "
            "registrering=registrering*)"
        ),
        "klassifikasjonssystem": (
            "klassifikasjonssystemID klassifikasjonstype? tittel beskrivelse? opprettetDato opprettetAv avsluttetDato? "
            "avsluttetAv? klasse=klasse+"
        ),
        "klasse": (
            "klasseID tittel beskrivelse? noekkelord* opprettetDato opprettetAv avsluttetDato? avsluttetAv? "
            "kryssreferanse=kryssreferanse* kassasjon=kassasjon? skjerming=skjerming? gradering=gradering? "
            "(klasse=klasse* | mappe=mappe* | registrering=registrering*)"
        ),
        "mappe": (
            "systemID mappeID referanseForeldermappe=md.referanseTilMappe? tittel offentligTittel? beskrivelse? "
            "noekkelord* dokumentmedium? opprettetDato opprettetAv avsluttetDato? avsluttetAv? arkivdel=md.kode? "
            "virksomhetsspesifikkeMetadata=xs.anyType? part=part* kryssreferanse=kryssreferanse* merknad=merknad* "
            "kassasjon=kassasjon? skjerming=skjerming? gradering=gradering? klassifikasjon=klassifikasjon* "
            "referanseEksternNoekkel=md.eksternNoekkel? (mappe=mappe* | registrering=registrering*) mappetype=md.kode?"
        ),
        "saksmappe < mappe": (
            "saksaar sakssekvensnummer saksdato administrativEnhet saksansvarlig journalenhet? saksstatus "
            "presedens=presedens* matrikkelnummer=matrikkelnummer* byggident=byggident* planident=planident* "
            "punkt=punkt* adresse=adresse*"
        ),
        "klassifikasjon": "klassifikasjonID? klassifikasjonssystemID klasseID tittel? erSkjermet?",
        "part": (
            "partID? partNavn partRolle (organisasjonID=organisasjonsID? | personID=personID?)? postadresse* "
            "postnummer? poststed? landkode? epostadresse? telefonnummer* kontaktperson? "
            "virksomhetsspesifikkeMetadata=xs.anyType? erSkjermet? erPersonnavn?"
        ),
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
        "registrering": (
            "systemID opprettetDato opprettetAv arkivertDato? arkivertAv? (referanseForelderMappe=md.referanseTilMappe "
            "| arkivdel=md.kode)? part=part* kassasjon=kassasjon? skjerming=skjerming? gradering=gradering? "
            "dokumentbeskrivelse=dokumentbeskrivelse* registreringsID? tittel offentligTittel? beskrivelse? noekkelord* "
            "forfatter* dokumentmedium? virksomhetsspesifikkeMetadata=xs.anyType? merknad=merknad* "
            "kryssreferanse=kryssreferanse* korrespondansepart=korrespondansepart* klassifikasjon=klassifikasjon* "
            "referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "journalpost < registrering": (
            "journalaar journalsekvensnummer journalpostnummer journalposttype journalstatus journaldato "
            "dokumentetsDato? mottattDato? sendtDato? forfallsdato? offentlighetsvurdertDato? antallVedlegg? "
            "journalenhet? dokumentflyt=dokumentflyt* presedens=presedens* elektroniskSignatur=elektroniskSignatur? "
            "avskrivningsdato?"
        ),
        "journalpostMedSaksmappe < journalpost": (
            "saksaar sakssekvensnummer saksdato administrativEnhet saksansvarlig saksstatus"
        ),
        "korrespondansepart": (
            "korrespondansepartID korrespondanseparttype erBehandlingsansvarlig=xs.boolean? korrespondansepartNavn "
            "(organisasjonid? | personid?)? postadresse* postnummer? poststed? landkode? epostadresse? telefonnummer* "
            "kontaktperson? administrativEnhet? saksbehandler? erSkjermet? erPersonnavn? forsendelsesmaate? "
            "deresReferanse=xs.string? avskrivning=avskrivning*"
        ),
        "avskrivning": (
            "avskrivningsdato avskrevetAv=md.saksbehandler avskrivningsmaate "
            "referanseAvskrivesAvJournalpost=md.referanseTilJournalpost? "
            "referanseAvskriverJournalpost=md.referanseTilJournalpost?"
        ),
        "arkivnotat < registrering": (
            "dokumentetsDato? mottattDato? sendtDato? forfallsdato? offentlighetsvurdertDato? antallVedlegg? "
            "dokumentflyt=dokumentflyt*"
        ),
        "dokumentflyt": "flytTil flytFra flytMottattDato flytSendtDato flytStatus flytMerknad?",
        "dokumentbeskrivelse": (
            "systemID dokumenttype dokumentstatus tittel beskrivelse? forfatter* opprettetDato opprettetAv "
            "dokumentmedium? arkivdel=md.kode? tilknyttetRegistreringSom dokumentnummer tilknyttetDato tilknyttetAv "
            "part=part* merknad=merknad* kassasjon=kassasjon? utfoertKassasjon=utfoertKassasjon? sletting=sletting? "
            "skjerming=skjerming? gradering=gradering? elektroniskSignatur=elektroniskSignatur? "
            "dokumentobjekt=dokumentobjekt*"
        ),
        "dokumentobjekt": (
            "systemID versjonsnummer variantformat filnavn=xs.string format mimeType=xs.string? formatDetaljer? "
            "opprettetDato opprettetAv referanseDokumentfil sjekksum sjekksumAlgoritme filstoerrelse "
            "elektroniskSignatur=elektroniskSignatur? konvertering=konvertering*"
        ),
        "konvertering": (
            "konvertertDato konvertertAv konvertertFraFormat konvertertTilFormat konverteringsverktoey? konverteringskommentar?"
        ),
        "kryssreferanse": "kryssreferanseID referanseTilMappe? referanseTilRegistrering? referanseTilDokumentbeskrivelse?",
        "merknad": "merknadID? merknadstekst merknadstype? merknadsdato? merknadRegistrertAv? erSkjermet?",
        "kassasjon": "kassasjonsvedtak kassasjonshjemmel? bevaringstid kassasjonsdato",
        "utfoertKassasjon": "kassertDato kassertAv",
        "sletting": "slettingstype slettetDato slettetAv",
        "skjerming": "tilgangsrestriksjon skjermingshjemmel skjermingOpphoererDato? skjermingOpphoererAksjon?",
        "gradering": "grad graderingsdato gradertAv nedgraderingsdato? nedgradertAv?",
        "presedens": (
            "presedensDato opprettetDato opprettetAv tittel beskrivelse? presedensHjemmel? rettskildefaktor "
            "presedensGodkjentDato? presedensGodkjentAv? avsluttetDato? avsluttetAv? presedensStatus?"
        ),
        "elektroniskSignatur": "elektroniskSignaturSikkerhetsnivaa elektroniskSignaturVerifisert verifisertDato verifisertAv",
        "adresse": "adresse=md.postadresse postnummer poststed",
        "matrikkelnummer": "kommunenummer gardsnummer bruksnummer festenummer? seksjonsnummer?",
        "byggident": "bygningsnummer endringsloepenummer?",
        "planident": "planidentifikasjon (kommunenummer? | fylkesnummer? | landkode?)?",
        "punkt": "punktID? koordinatsystem x y z?",
        "organisasjonsID": "identifikator=xs.string landkode=landkode?",
        "personID": "landkode=landkode identifikator=xs.string",
    },
    values={
        "country": "landkode",
    },
    enums={
        "responstype": "noekler minimum utvidet",
    },
    roots={
        "arkiv": Root("arkiv", None),
    },
)
"""The units of Noark 5 as `mappe.hent`, `registrering.hent` and the widest search answer carry them."""
