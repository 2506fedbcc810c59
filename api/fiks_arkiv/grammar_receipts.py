"""Receipts and fault messages."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

RECEIPT = Table(
    prefix="receipt",
    path="arkivmelding/opprett/kvittering/v1",
    types={
        "arkivmeldingKvittering": (
            "(mappeKvittering=mappeKvittering? | mappeFeilet=fault.feilmeldingBase?) "
            "(registreringKvittering=registreringKvittering? | registreringFeilet=fault.feilmeldingBase?)"
        ),
        "mappeKvittering": (
            "systemID mappeID? referanseForeldermappe=md.referanseTilMappe? opprettetDato? opprettetAv? avsluttetDato? "
            "avsluttetAv? referanseEksternNoekkel=md.eksternNoekkel? "
            "opprettetEllerEksisterende=opprettetEllerEksisterende"
        ),
        "saksmappeKvittering < mappeKvittering": "saksaar? sakssekvensnummer? saksdato?",
        "registreringKvittering": (
            "systemID opprettetDato? opprettetAv? arkivertDato? arkivertAv? "
            "dokumentbeskrivelseKvittering=dokumentbeskrivelseKvittering* registreringsID? "
            "referanseEksternNoekkel=md.eksternNoekkel? opprettetEllerEksisterende=opprettetEllerEksisterende"
        ),
        "journalpostKvittering < registreringKvittering": (
            "journalaar? journalsekvensnummer? journalpostnummer? journalposttype? journalstatus? journaldato? forfallsdato?"
        ),
        "dokumentbeskrivelseKvittering": (
            "systemID opprettetDato? opprettetAv? dokumentnummer? dokumentobjekt=dokumentobjektKvittering*"
        ),
        "dokumentobjektKvittering": "systemID versjonsnummer? variantformat? opprettetDato? opprettetAv?",
    },
    enums={
        "opprettetEllerEksisterende": "Opprettet Eksisterende",
    },
    roots={
        "arkivmeldingKvittering": Root("arkivmeldingKvittering", MESSAGE + "arkivering.arkivmelding.opprett.kvittering"),
    },
    imports=("md", "fault"),
)
"""Receipt for `arkivmelding.opprett`."""

OBJECT_RECEIPT = Table(
    prefix="object_receipt",
    path="dokumentobjekt/opprett/kvittering/v1",
    types={
        "dokumentobjektOpprettKvittering": "systemID opprettetDato? opprettetAv?",
    },
    roots={
        "dokumentobjektOpprettKvittering": Root(
            "dokumentobjektOpprettKvittering", MESSAGE + "arkivering.dokumentobjekt.opprett.kvittering"
        ),
    },
)
"""Receipt for `dokumentobjekt.opprett`."""

FAULT = Table(
    prefix="fault",
    path="feil/feilmelding/v1",
    types={
        "feilmeldingBase": "feilId=xs.string feilmelding=xs.string",
    },
)
"""The shape that all fault messages share."""

NOT_FOUND = Table(
    prefix="not_found",
    path="feil/ikkefunnet/v1",
    types={},
    roots={
        "ikkefunnet": Root("fault.feilmeldingBase", MESSAGE + "feilmelding.ikkefunnet"),
    },
    imports=("fault",),
)
"""`feilmelding.ikkefunnet`."""

SERVER = Table(
    prefix="server",
    path="feil/serverfeil/v1",
    types={},
    roots={
        "serverfeil": Root("fault.feilmeldingBase", MESSAGE + "feilmelding.serverfeil"),
    },
    imports=("fault",),
)
"""`feilmelding.serverfeil`."""

INVALID = Table(
    prefix="invalid",
    path="feil/ugyldigforespoersel/v1",
    types={},
    roots={
        "ugyldigforespoersel": Root("fault.feilmeldingBase", MESSAGE + "feilmelding.ugyldigforespoersel"),
    },
    imports=("fault",),
)
"""`feilmelding.ugyldigforespoersel`."""
