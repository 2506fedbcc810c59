"""The small requests: sign-off, one more document object, and the three that fetch."""

from api.fiks_arkiv.grammar_table import MESSAGE, Root, Table

SIGN_OFF = Table(
    prefix="sign_off",
    path="avskrivning/opprett/v1",
    types={
        "nyAvskrivning": "avskrivning=avskrivning referanseTilJournalpost korrespondansepartID",
        "avskrivning": (
            "avskrivningsdato avskrevetAv=md.saksbehandler avskrivningsmaate "
            "referanseAvskrivesAvJournalpost=md.referanseTilJournalpost? "
            "referanseAvskriverJournalpost=md.referanseTilJournalpost*"
        ),
    },
    roots={
        "nyAvskrivning": Root("nyAvskrivning", MESSAGE + "arkivering.avskrivning.opprett"),
    },
)
"""`avskrivning.opprett`."""

SIGN_OFF_DELETE = Table(
    prefix="sign_off_delete",
    path="avskrivning/slett/v1",
    types={
        "slettAvskrivning": "referanseTilJournalpost korrespondansepartID",
    },
    roots={
        "slettAvskrivning": Root("slettAvskrivning", MESSAGE + "arkivering.avskrivning.slett"),
    },
)
"""`avskrivning.slett`."""

DOCUMENT_OBJECT = Table(
    prefix="document_object",
    path="dokumentobjekt/opprett/v1",
    types={
        "dokumentobjektOpprett": "referanseTilDokumentbeskrivelse dokumentobjekt=create.dokumentobjekt",
    },
    roots={
        "dokumentobjektOpprett": Root("dokumentobjektOpprett", MESSAGE + "arkivering.dokumentobjekt.opprett"),
    },
    imports=("md", "create"),
)
"""`dokumentobjekt.opprett`: a new version or variant of a file."""

FILE_GET = Table(
    prefix="file_get",
    path="dokumentfil/hent/v1",
    types={
        "dokumentfilHent": "system=xs.string dokumentfilNoekkel=dokumentfilNoekkel",
        "dokumentfilNoekkel": "systemID",
    },
    roots={
        "dokumentfilHent": Root("dokumentfilHent", MESSAGE + "innsyn.dokumentfil.hent"),
    },
)
"""`dokumentfil.hent`."""

CASE_GET = Table(
    prefix="case_get",
    path="mappe/hent/v1",
    types={
        "mappeHent": "system=xs.string referanseTilMappe inkluder=inkluder* spraak=xs.string?",
    },
    enums={
        "inkluder": "merknad noekkelord kryssreferanse klasse part presedens moetedeltaker",
    },
    roots={
        "mappeHent": Root("mappeHent", MESSAGE + "innsyn.mappe.hent"),
    },
)
"""`mappe.hent`."""

ENTRY_GET = Table(
    prefix="entry_get",
    path="registrering/hent/v1",
    types={
        "registreringHent": "system=xs.string referanseTilRegistrering inkluder=inkluder* spraak=xs.string?",
    },
    enums={
        "inkluder": (
            "merknad noekkelord kryssreferanse dokumentbeskrivelse korrespondansepart avskrivning dokumentflyt dokumentobjekt"
        ),
    },
    roots={
        "registreringHent": Root("registreringHent", MESSAGE + "innsyn.registrering.hent"),
    },
)
"""`registrering.hent`."""
