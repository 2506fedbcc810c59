"""The metadata catalogue: the elements of Noark 5 v5.0 by kind of value, and the codes, people and references."""

from api.fiks_arkiv.grammar_table import Table

CATALOGUE = Table(
    prefix="md",
    path="metadatakatalog/v1",
    types={
        (
            "arkivstatus arkivdelstatus saksstatus journalstatus dokumentstatus moeteregistreringsstatus "
            "presedensStatus journalposttype dokumenttype merknadstype moeteregistreringstype klassifikasjonstype "
            "korrespondanseparttype moetesakstype slettingstype skjermingOpphoererAksjon tilknyttetRegistreringSom "
            "dokumentmedium partRolle landkode koordinatsystem moetedeltakerFunksjon moetedokumenttype "
            "forsendelsesmaate kassasjonsvedtak tilgangsrestriksjon skjermingMetadata skjermingDokument grad "
            "elektroniskSignaturSikkerhetsnivaa elektroniskSignaturVerifisert avskrivningsmaate flytStatus "
            "variantformat format < kode"
        ): "",
        "administrativEnhet saksansvarlig saksbehandler utvalg representerer < identifikatorer": "",
        "referanseTilMappe": "systemID? mappeID? saksnummer? referanseEksternNoekkel=eksternNoekkel?",
        "referanseTilRegistrering": (
            "systemID? registreringsID? journalnummer? saksJournalpostnummer? referanseEksternNoekkel=eksternNoekkel?"
        ),
        "referanseTilDokumentbeskrivelse": "systemID? referanseEksternNoekkel=eksternNoekkel? journalpostDokumentnummer?",
        "referanseTilKlassifikasjon": "klassifikasjonssystemID klasseID",
        "referanseTilJournalpost": (
            "systemID? registreringsID? journalnummer? saksJournalpostnummer? referanseEksternNoekkel=eksternNoekkel?"
        ),
        "moetesaksBeskrivelse": "tekstInnhold=xs.string tekstFormat=kode",
        "behandlingsprotokoll": "tekstInnhold=xs.string tekstFormat=kode",
        "moetedeltaker": "identifikator=identifikatorer? funksjon=moetedeltakerFunksjon? representerer?",
        "kode": "kode=xs.string beskrivelse=xs.string?",
        "identifikatorer": "navn=xs.string? identifikator=xs.string? initialer=xs.string? epostadresse?",
        "saksnummer": "saksaar sakssekvensnummer",
        "eksternNoekkel": "fagsystem noekkel",
        "journalnummer": "journalaar journalsekvensnummer",
        "saksJournalpostnummer < saksnummer": "journalpostnummer",
        "journalpostDokumentnummer": "referanseTilJournalpost dokumentnummer=xs.int",
    },
    values={
        "uuid": (
            "ID referanseForloeper referanseArvtaker referanseArkivdel referanseSekundaerKlassifikasjon "
            "referanseAvskrivesAvJournalpost referanseForrigeMoete referanseNesteMoete referanseTilMoeteregistrering "
            "referanseFraMoeteregistrering referanseArkivenhet"
        ),
        "text": (
            "klasseID mappeID registreringsID arkivskaperID moetenummer partID fagsystem noekkel tittel beskrivelse "
            "noekkelord arkivskaperNavn forfatter offentligTittel referanseDokumentfil oppbevaringssted partNavn "
            "journalenhet utlaantTil merknadstekst presedensHjemmel rettskildefaktor seleksjon kommunenummer "
            "fylkesnummer planidentifikasjon moetested moetedeltakerNavn korrespondansepartNavn postadresse postnummer "
            "poststed land epostadresse telefonnummer kontaktperson hendelsestype personid organisasjonid utfortAv "
            "kassasjonshjemmel skjermingshjemmel brukerNavn brukerRolle brukerstatus administrativEnhetNavn "
            "administrativEnhetsstatus referanseOverordnetEnhet opprettetAv avsluttetAv arkivertAv merknadRegistrertAv "
            "slettetAv konvertertAv avskrevetAv tilknyttetAv verifisertAv gradertAv nedgradertAv presedensGodkjentAv "
            "kassertAv flytTil flytMerknad flytFra referanseMetadata endretAv tidligereVerdi nyVerdi formatDetaljer "
            "sjekksum sjekksumAlgoritme konvertertFraFormat konvertertTilFormat konverteringsverktoey "
            "konverteringskommentar klassifikasjonssystemID korrespondansepartID merknadID punktID klassifikasjonID "
            "kryssreferanseID"
        ),
        "int": (
            "versjonsnummer dokumentnummer saksaar sakssekvensnummer journalaar journalsekvensnummer journalpostnummer "
            "antallVedlegg gardsnummer bruksnummer festenummer seksjonsnummer bygningsnummer endringsloepenummer "
            "bevaringstid skjermingsvarighet antallJournalposter"
        ),
        "date": (
            "saksdato journaldato moetedato dokumentetsDato utlaantDato arkivperiodeStartDato arkivperiodeSluttDato "
            "forfallsdato offentlighetsvurdertDato presedensDato journalStartDato journalSluttDato kassasjonsdato "
            "skjermingOpphoererDato avskrivningsdato verifisertDato"
        ),
        "dateTime": (
            "mottattDato sendtDato vedtaksdato hendelsesdato opprettetDato avsluttetDato arkivertDato merknadsdato "
            "slettetDato konvertertDato tilknyttetDato graderingsdato nedgraderingsdato presedensGodkjentDato "
            "kassertDato flytMottattDato flytSendtDato endretDato"
        ),
        "double": "x y z",
        "boolean": "erSkjermet erPersonnavn",
        "count": "filstoerrelse",
    },
    enums={
        "moeteStemme": "Ja Nei Blankt",
        "slettEllerOppdater": "Slett Oppdater",
    },
    imports=(),
)
"""Elements shared by all messages (Noark 5 metadata catalogue)."""
