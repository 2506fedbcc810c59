"""What changes a case file, a registry entry or a document description."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

UPDATE = Table(
    prefix="update",
    path="arkivmelding/oppdater/v1",
    types={
        "arkivmeldingOppdatering": (
            "(mappeOppdateringer=mappeOppdatering? | registreringOppdateringer=registreringOppdatering? | "
            "dokumentbeskrivelseOppdateringer=dokumentbeskrivelseOppdatering?)"
        ),
        "dokumentbeskrivelseOppdatering": (
            "referanseTilDokumentbeskrivelse dokumenttype? dokumentstatus? tittel? "
            "beskrivelse=beskrivelseOppdateringer? forfatterOppdateringer=forfatterOppdateringer* opprettetDato? "
            "opprettetAv? dokumentmedium? tilknyttetRegistreringSom dokumentnummer? tilknyttetDato? tilknyttetAv? "
            "partOppdateringer=partOppdateringer? merknadOppdateringer=merknadOppdateringer? "
            "skjerming=skjermingOppdateringer? gradering=graderingOppdateringer? "
            "referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "mappeOppdatering": (
            "referanseTilMappe tittel? offentligTittel? beskrivelse=beskrivelseOppdateringer? "
            "noekkelord=noekkelordOppdateringer? opprettetDato? opprettetAv? avsluttetDato? avsluttetAv? "
            "arkivdel=md.kode? virksomhetsspesifikkeMetadataOppdateringer=virksomhetsspesifikkeMetadataOppdateringer? "
            "partOppdateringer=partOppdateringer? kryssreferanseOppdateringer=kryssreferanseOppdateringer? "
            "merknadOppdateringer=merknadOppdateringer? skjermingOppdateringer=skjermingOppdateringer? "
            "graderingOppdateringer=graderingOppdateringer? klassifikasjonOppdateringer=klassifikasjonOppdateringer? "
            "referanseEksternNoekkel=md.eksternNoekkel? mappetype=md.kode?"
        ),
        "saksmappeOppdatering < mappeOppdatering": (
            "saksdato? administrativEnhet? saksansvarlig? saksstatus? presedens=create.presedens* "
            "matrikkelnummerOppdateringer=matrikkelnummerOppdateringer? byggidentOppdateringer=byggidentOppdateringer? "
            "planidentOppdateringer=planidentOppdateringer? punktOppdateringer=punktOppdateringer? "
            "adresseOppdateringer=adresseOppdateringer?"
        ),
        "kryssreferanseOppdateringer": (
            "oppdatering=kryssreferanseOppdatering* slett=kryssreferanseSlett* ny=create.kryssreferanse*"
        ),
        "kryssreferanseOppdatering": (
            "kryssreferanseID referanseTilMappe? referanseTilRegistrering? referanseTilDokumentbeskrivelse?"
        ),
        "kryssreferanseSlett": "kryssreferanseID",
        "punktOppdateringer": "oppdatering=punktOppdatering* slett=punktSlett* ny=create.punkt*",
        "punktOppdatering": "punktID koordinatsystem? x? y? z?",
        "punktSlett": "punktID",
        "partOppdateringer": "oppdatering=partOppdatering* slett=partSlett* ny=create.part*",
        "partOppdatering": (
            "partID partNavn? partRolle? (organisasjonid? | personid?)? postadresse* postnummer? poststed? landkode? "
            "epostadresse? telefonnummer* kontaktperson? "
            "virksomhetsspesifikkeMetadataOppdateringer=virksomhetsspesifikkeMetadataOppdateringer? erSkjermet? "
            "erPersonnavn?"
        ),
        "partSlett": "partID",
        "registreringOppdatering": (
            "referanseTilRegistrering opprettetDato? opprettetAv? arkivertDato? arkivertAv? "
            "referanseForelderMappe=md.referanseTilMappe? partOppdateringer=partOppdateringer? "
            "kryssreferanseOppdateringer=kryssreferanseOppdateringer? skjermingOppdateringer=skjermingOppdateringer? "
            "gradering=graderingOppdateringer? tittel? offentligTittel? beskrivelse=beskrivelseOppdateringer? "
            "noekkelord=noekkelordOppdateringer* forfatterOppdateringer=forfatterOppdateringer? "
            "virksomhetsspesifikkeMetadataOppdateringer=virksomhetsspesifikkeMetadataOppdateringer? "
            "merknadOppdateringer=merknadOppdateringer? "
            "korrespondansepartOppdateringer=korrespondansepartOppdateringer? "
            "klassifikasjonOppdateringer=klassifikasjonOppdateringer? referanseEksternNoekkel=md.eksternNoekkel?"
        ),
        "journalpostOppdatering < registreringOppdatering": (
            "journalposttype? journalstatus? journaldato? dokumentetsDato? mottattDato? sendtDato? forfallsdato? "
            "offentlighetsvurdertDato? journalenhet? dokumentflyt=create.dokumentflyt* presedens=create.presedens* "
            "avskrivningsdato?"
        ),
        "korrespondansepartOppdateringer": (
            "oppdatering=korrespondansepartOppdatering* slett=korrespondansepartSlett* ny=create.korrespondansepart*"
        ),
        "korrespondansepartOppdatering": (
            "korrespondansepartID korrespondanseparttype? korrespondansepartNavn? (organisasjonid? | personid?)? "
            "postadresse* postnummer? poststed? landkode? epostadresse? telefonnummer* kontaktperson? "
            "administrativEnhet? saksbehandler? erSkjermet? erPersonnavn? forsendelsesmaate? deresReferanse=xs.string? "
            "erBehandlingsansvarlig=xs.boolean?"
        ),
        "korrespondansepartSlett": "korrespondansepartID",
        "merknadOppdateringer": "oppdatering=merknadOppdatering* slett=merknadSlett* ny=create.merknad*",
        "merknadOppdatering": "merknadID merknadstekst? merknadstype? merknadsdato? merknadRegistrertAv? erSkjermet?",
        "merknadSlett": "merknadID",
        "skjermingOppdateringer": "slett=xs.boolean? oppdatering=skjermingOppdatering?",
        "skjermingOppdatering": "tilgangsrestriksjon? skjermingshjemmel? skjermingOpphoererDato? skjermingOpphoererAksjon?",
        "graderingOppdateringer": "slett=xs.boolean? oppdatering=graderingOppdatering?",
        "graderingOppdatering": "grad? graderingsdato? gradertAv? nedgraderingsdato? nedgradertAv?",
        "noekkelordOppdateringer": "slett=md.noekkelord* ny=md.noekkelord*",
        "beskrivelseOppdateringer": "slett=xs.boolean? oppdatering=md.beskrivelse?",
        "adresseOppdateringer": "slett=create.adresse* ny=create.adresse*",
        "forfatterOppdateringer": "slett=md.forfatter* ny=md.forfatter*",
        "klassifikasjonOppdateringer": (
            "oppdatering=klassifikasjonOppdatering* slett=klassifikasjonSlett* ny=create.klassifikasjon*"
        ),
        "klassifikasjonOppdatering": "referanseTilKlassifikasjon tittel? erSkjermet?",
        "klassifikasjonSlett": "referanseTilKlassifikasjon",
        "matrikkelnummerOppdateringer": "ny=create.matrikkelnummer* slett=matrikkelnummerSlett*",
        "matrikkelnummerSlett": "kommunenummer gardsnummer bruksnummer festenummer? seksjonsnummer?",
        "byggidentOppdateringer": "Oppdatering=byggidentOppdatering* Slett=byggidentSlett* Ny=create.byggident*",
        "byggidentOppdatering": "opprinneligBygningsnummer=md.bygningsnummer bygningsnummer? endringsloepenummer?",
        "byggidentSlett": "bygningsnummer",
        "planidentOppdateringer": "oppdatering=planidentOppdatering* slett=planidentSlett* ny=create.planident*",
        "planidentOppdatering": "planidentifikasjon (kommunenummer? | fylkesnummer? | landkode?)?",
        "planidentSlett": "planidentifikasjon",
        "moetemappeOppdatering < mappeOppdatering": (
            "moetenummer? utvalg? moetedato? moetested? referanseForrigeMoete? referanseNesteMoete? "
            "moetedeltakerOppdateringer=moetedeltakerOppdateringer*"
        ),
        "moetedeltakerOppdateringer": "oppdatering=moetedeltakerOppdatering* slett=moetedeltakerSlett* ny=md.moetedeltaker*",
        "moetedeltakerOppdatering": "personid navn=md.moetedeltakerNavn? funksjon=md.moetedeltakerFunksjon? representerer?",
        "moetedeltakerSlett": "personid",
        "moetesakOppdatering < registreringOppdatering": (
            "moetesakstype? moetesaksaar=md.saksaar? moetesakssekvensnummer=md.sakssekvensnummer? administrativEnhet? "
            "utredning=utredningOppdatering? innstillingOppdatering=innstillingOppdatering? "
            "vedtakOppdatering=vedtakOppdatering?"
        ),
        "utredningOppdatering": (
            "oppdateringstype=md.slettEllerOppdater saksbeskrivelse=md.moetesaksBeskrivelse? "
            "innstilling=md.moetesaksBeskrivelse? utredningsdokumenter=create.dokumentbeskrivelse*"
        ),
        "innstillingOppdatering": "(oppdateringstype=md.slettEllerOppdater | innstilling=md.moetesaksBeskrivelse)",
        "vedtakOppdatering": (
            "(oppdateringstype=md.slettEllerOppdater | vedtakstekst=md.moetesaksBeskrivelse? | "
            "votering=create.votering* | behandlingsprotokoll? | vedtaksdokumenter=create.dokumentbeskrivelse* | "
            "dato=md.vedtaksdato?)"
        ),
        "virksomhetsspesifikkeMetadataOppdateringer": "slett=xs.boolean? ny=xs.anyType?",
    },
    roots={
        "arkivmeldingOppdatering": Root("arkivmeldingOppdatering", MESSAGE + "arkivering.arkivmelding.oppdater"),
    },
    imports=("md", "create"),
)
"""`arkivmelding.oppdater`: exactly one of case file, registration, document description."""
