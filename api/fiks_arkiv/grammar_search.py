"""Search: what is sought, by which fields, in which order and how full the answer is."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

SEARCH = Table(
    prefix="search",
    path="sok/v1",
    types={
        "sok": "system=xs.string take=xs.int skip=xs.int sokdefinisjon=sokdefinisjon spraak=xs.string?",
        "sokdefinisjon!": "responstype=record.responstype~minimum",
        "mappeSokdefinisjon < sokdefinisjon": "inkluder=mappeInkluder* parametere=mappeParameter+ sortering=mappeSortering*",
        "mappeFritekstSokdefinisjon < sokdefinisjon": "inkluder=mappeInkluder* soketekst=xs.string",
        "saksmappeSokdefinisjon < sokdefinisjon": (
            "inkluder=saksmappeInkluder* parametere=saksmappeParameter+ sortering=saksmappeSortering*"
        ),
        "saksmappeFritekstSokdefinisjon < sokdefinisjon": "inkluder=saksmappeInkluder* soketekst=xs.string",
        "registreringSokdefinisjon < sokdefinisjon": (
            "inkluder=registreringInkluder* parametere=registreringParameter+ sortering=registreringSortering*"
        ),
        "registreringFritekstSokdefinisjon < sokdefinisjon": "inkluder=registreringInkluder* soketekst=xs.string",
        "journalpostSokdefinisjon < sokdefinisjon": (
            "inkluder=journalpostInkluder* parametere=journalpostParameter+ sortering=journalpostSortering*"
        ),
        "journalpostFritekstSokdefinisjon < sokdefinisjon": "inkluder=journalpostInkluder* soketekst=xs.string",
        "journalpostMedSaksmappeSokdefinisjon < sokdefinisjon": (
            "inkluder=journalpostInkluder* parametere=journalpostParameter+ sortering=journalpostSortering*"
        ),
        "journalpostMedSaksmappeFritekstSokdefinisjon < sokdefinisjon": "inkluder=journalpostInkluder* soketekst=xs.string",
        "dokumentbeskrivelseSokdefinisjon < sokdefinisjon": (
            "inkluder=dokumentbeskrivelseInkluder* parametere=dokumentbeskrivelseParameter+ "
            "sortering=dokumentbeskrivelseSortering*"
        ),
        "dokumentbeskrivelseFritekstSokdefinisjon < sokdefinisjon": ("inkluder=dokumentbeskrivelseInkluder* soketekst=xs.string"),
        "parameter!": "operator=operatorType sokVerdier=sokVerdier",
        "mappeParameter < parameter": "felt=mappeSokefelt",
        "saksmappeParameter < parameter": "felt=saksmappeSokefelt",
        "registreringParameter < parameter": "felt=registreringSokefelt",
        "journalpostParameter < parameter": "felt=journalpostSokefelt",
        "dokumentbeskrivelseParameter < parameter": "felt=dokumentbeskrivelseSokefelt",
        "sokVerdier": (
            "(stringvalues=stringvalues | datevalues=datevalues | intvalues=intvalues | eksternNoekkel=eksternNoekkel | "
            "mappeKlassifikasjon=mappeKlassifikasjon | bbox=bbox)?"
        ),
        "stringvalues": "(value=xs.string)*",
        "datevalues": "(value=xs.dateTime)*",
        "intvalues": "(value=xs.int)*",
        "mappeKlassifikasjon": "(klassifikasjonssystemID=xs.string? klasseID=xs.string?)+",
        "eksternNoekkel": "fagsystem=xs.string noekkel=xs.string",
        "bbox": "koordinatsystem nedreVenstre=bboxKoordinater oevreHoeyre=bboxKoordinater",
        "bboxKoordinater": "x y",
        "mappeSortering": "felt=mappeSorteringsfelt type=sorteringType",
        "saksmappeSortering": "felt=saksmappeSorteringsfelt type=sorteringType",
        "registreringSortering": "felt=registreringSorteringsfelt type=sorteringType",
        "journalpostSortering": "felt=journalpostSorteringsfelt type=sorteringType",
        "dokumentbeskrivelseSortering": "felt=dokumentbeskrivelseSorteringsfelt type=sorteringType",
    },
    enums={
        "operatorType": "equal notequal between lessthan lessequal greaterthan greaterequal inlist wildcardquery",
        "mappeSokefelt": (
            "mappeEksternNoekkel mappeTittel mappeOpprettetDato mappeBeskrivelse mappeNoekkelord mappeAvsluttetDato "
            "mappeArkivdel mappeEndretDato mappeMappetype mappeKlasseKlassifikasjonssystemID mappeKlasseKlasseID "
            "mappeKlasseTittel mappeKlasseBeskrivelse mappeKlassifikasjon mappePartPartNavn mappePartPartRolle "
            "mappePartPostadresse mappePartPostnummer mappePartPoststed mappePartEpostadresse mappePartOrganisasjonsid "
            "mappePartPersonid mappeSkjermingTilgangsrestriksjon mappeSkjermingSkjermingshjemmel "
            "mappeSkjermingSkjermingsvarighet mappeSkjermingSkjermingOpphoererDato"
        ),
        "saksmappeSokefelt": (
            "mappeEksternNoekkel mappeTittel mappeOpprettetDato mappeBeskrivelse mappeNoekkelord mappeAvsluttetDato "
            "mappeArkivdel mappeEndretDato mappeMappetype mappeKlasseKlassifikasjonssystemID mappeKlasseKlasseID "
            "mappeKlasseTittel mappeKlasseBeskrivelse mappePartPartNavn mappePartPartRolle mappePartPostadresse "
            "mappePartPostnummer mappePartPoststed mappePartEpostadresse mappePartOrganisasjonsid mappePartPersonid "
            "mappeSkjermingTilgangsrestriksjon mappeSkjermingSkjermingshjemmel mappeSkjermingSkjermingsvarighet "
            "mappeSkjermingSkjermingOpphoererDato sakSaksdato sakSaksaar sakSaksekvensnummer sakSaksstatus "
            "sakAdministrativenhet sakSaksansvarlig sakMatrikkelnummerKommunenummer sakMatrikkelnummerGaardsnummer "
            "sakMatrikkelnummerBruksnummer sakMatrikkelnummerFestenummer sakMatrikkelnummerSeksjonsnummer "
            "sakByggidentBygningsnummer sakByggidentEndringsloepenummer sakPlanidentStatLandkode "
            "sakPlanidentFylkeFylkesnummer sakPlanidentKommuneKommunenummer sakPlanidentPlanidentifikasjon sakBbox"
        ),
        "registreringSokefelt": (
            "registreringEksternId registreringOpprettetDato registreringTittel registreringAdministrativenhet "
            "registreringJournalpostansvarlig registreringEndretDato registreringPartPartNavn registreringPartPartRolle "
            "registreringPartPostadresse registreringPartPostnummer registreringPartPoststed "
            "registreringPartEpostadresse registreringSkjermingTilgangsrestriksjon "
            "registreringSkjermingSkjermingshjemmel registreringSkjermingSkjermingsvarighet "
            "registreringSkjermingSkjermingOpphoererDato registreringKorrespondansepartKorrespondanseparttype "
            "registreringKorrespondansepartKorrespondansepartNavn registreringKorrespondansepartPostadresse "
            "registreringKorrespondansepartPostnummer registreringKorrespondansepartPoststed "
            "registreringKorrespondansepartEpostadresse registreringKorrespondansepartOrganisasjonsid "
            "registreringKorrespondansepartPersonid registreringKorrespondansepartForsendelsesmaate "
            "registreringKorrespondansepartDeresReferanse registreringKorrespondansepartAdministrativEnhet "
            "registreringKorrespondansepartSaksbehandler"
        ),
        "journalpostSokefelt": (
            "registreringEksternId registreringOpprettetDato registreringTittel registreringAdministrativenhet "
            "registreringJournalpostansvarlig registreringEndretDato registreringPartPartNavn registreringPartPartRolle "
            "registreringPartPostadresse registreringPartPostnummer registreringPartPoststed "
            "registreringPartEpostadresse registreringSkjermingTilgangsrestriksjon "
            "registreringSkjermingSkjermingshjemmel registreringSkjermingSkjermingsvarighet "
            "registreringSkjermingSkjermingOpphoererDato journalpostJournalaar journalpostJournalsekvensnummer "
            "journalpostSaksaar journalpostSakssekvensnummer journalpostJournalpostnummer journalpostJournalposttype "
            "journalpostJournalstatus journalpostJournaldato journalpostDokumentetsdato journalpostForfallsdato"
        ),
        "dokumentbeskrivelseSokefelt": (
            "dokumentbeskrivelseEksternId dokumentbeskrivelseOpprettetDato dokumentbeskrivelseTittel "
            "dokumentbeskrivelseDokumenttype dokumentbeskrivelseDokumentstatus "
            "dokumentbeskrivelseSkjermingTilgangsrestriksjon dokumentbeskrivelseSkjermingSkjermingshjemmel "
            "dokumentbeskrivelseSkjermingSkjermingsvarighet dokumentbeskrivelseSkjermingSkjermingOpphoererDato"
        ),
        "mappeInkluder": "noekkelord kryssreferanse part merknad",
        "saksmappeInkluder": "noekkelord kryssreferanse part merknad presedens",
        "registreringInkluder": "noekkelord kryssreferanse part merknad dokumentbeskrivelse korrespondansepart",
        "journalpostInkluder": (
            "noekkelord kryssreferanse part merknad dokumentbeskrivelse korrespondansepart avskrivning dokumentflyt"
        ),
        "dokumentbeskrivelseInkluder": "dokumentobjekt",
        "sorteringType": "synkende stigende",
        "mappeSorteringsfelt": "mappeOpprettetDato",
        "saksmappeSorteringsfelt": "mappeOpprettetDato sakSaksaar-saksekvensnummer",
        "registreringSorteringsfelt": "registreringOpprettetDato",
        "journalpostSorteringsfelt": (
            "registreringOpprettetDato journalpostJournaldato journalpostJournalaar-journalsekvensnummer "
            "journalpostJournalpostnummer"
        ),
        "dokumentbeskrivelseSorteringsfelt": "opprettetDato",
    },
    roots={
        "sok": Root("sok", MESSAGE + "innsyn.sok"),
    },
    imports=("md", "record"),
)
"""`innsyn.sok`."""
