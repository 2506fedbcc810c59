"""Who lives and works in Fjordvik. Nobody here exists."""

from __future__ import annotations

PEOPLE: tuple[tuple[str, str], ...] = (
    ("tor.lie", "Tor Lie, arkivar"),
    ("siv.moe", "Siv Moe, arkivar"),
    ("anne.berg", "Anne Berg, arkivleder"),
    ("kari.aas", "Kari Ås, enhetsleder Teknisk"),
    ("per.nes", "Per Nes, saksbehandler Teknisk"),
    ("ida.vik", "Ida Vik, saksbehandler Oppvekst"),
    ("mona.hus", "Mona Hus, utvalgssekretær"),
    ("lars.dahl", "Lars Dahl, kommunedirektør"),
)
ARCHIVISTS = ("tor.lie", "siv.moe")
HANDLERS: tuple[tuple[str, str, str], ...] = (
    ("per.nes", "Per Nes", "Teknisk"),
    ("kari.aas", "Kari Ås", "Teknisk"),
    ("ida.vik", "Ida Vik", "Oppvekst"),
    ("mona.hus", "Mona Hus", "Politisk sekretariat"),
    ("lars.dahl", "Lars Dahl", "Kommunedirektøren"),
)
NAMES = {person: name.split(",")[0] for person, name in PEOPLE}

FIRST = "Ola Kari Nils Ingrid Lars Marit Jon Astrid Per Solveig Arne Liv Knut Anna Svein Berit Geir Eva Tore Randi Odd Hilde Terje Gunn".split()
LAST = "Nordmann Sandvik Haugen Berge Solberg Nygård Myhre Strand Vik Moen Lunde Bakke Dahl Hagen Eide Aune Rønning Halse Torset Skar".split()
STREETS = "Strandveien Skolegata Kirkeveien Fjordgata Bakkeveien Naustveien Myraveien Kaivegen Sjøgata Lindealleen".split()
FIRMS = (
    "Fjordvik Bygg AS",
    "Nordmøre Kraft AS",
    "Havbruk Vest AS",
    "Rør og Varme AS",
    "Kystverket",
    "Statsforvalteren i Møre og Romsdal",
    "Møre og Romsdal fylkeskommune",
    "Mattilsynet",
    "Advokatfirmaet Halse",
    "Borettslaget Solsida",
)

# (case title, unit, incoming title, outgoing title, class system, class, code of access or None)
MATTERS: tuple[tuple[str, str, str, str, str, str, str | None], ...] = (
    ("Søknad om naust – gnr {gnr}/bnr {bnr}", "Teknisk", "Søknad om oppføring av naust", "Vedtak om oppføring av naust", "FE", "L42", None),
    ("Oppmålingsforretning – gnr {gnr}/bnr {bnr}", "Teknisk", "Rekvisisjon av oppmålingsforretning", "Matrikkelbrev", "FE", "L33", None),
    ("Dispensasjon fra kommuneplanen – gnr {gnr}/bnr {bnr}", "Teknisk", "Søknad om dispensasjon", "Svar på søknad om dispensasjon", "FE", "L12", None),
    ("Motorferdsel i utmark – {name}", "Teknisk", "Søknad om motorferdsel i utmark", "Løyve til motorferdsel", "FE", "K01", None),
    ("Vann og avløp – {street}", "Teknisk", "Melding om vannlekkasje", "Tilbakemelding om ledningsnettet", "FE", "M10", None),
    ("Skoleskyss {year}", "Oppvekst", "Søknad om skoleskyss", "Vedtak om skoleskyss", "FE", "N04", None),
    ("Barnehageplass – søknader {year}", "Oppvekst", "Søknad om barnehageplass", "Tilbud om barnehageplass", "FE", "A10", "13"),
    ("Elevmappe", "Oppvekst", "Søknad om spesialundervisning", "Vedtak om spesialundervisning", "FE", "B12", "13"),
    ("Skjenkebevilling – {firm}", "Kommunedirektøren", "Søknad om skjenkebevilling", "Vedtak om skjenkebevilling", "FE", "U63", None),
    ("Tilskudd til lag og foreninger {year}", "Kommunedirektøren", "Søknad om kulturmidler", "Svar om kulturmidler", "FE", "C10", None),
    ("Tilsetting – {title}", "Kommunedirektøren", "Søknad på stilling", "Tilbud om stilling", "FE", "400", "P"),
    ("Formannskapet – møter {year}", "Politisk sekretariat", "Innspill til formannskapet", "Melding om vedtak", "FE", "033", None),
    ("Reguleringsplan {street}", "Teknisk", "Merknad til planforslag", "Varsel om oppstart av planarbeid", "FE", "L12", None),
    ("Klage på eiendomsskatt – {name}", "Kommunedirektøren", "Klage på taksten", "Svar på klage", "FE", "232", None),
)
POSITIONS = ("rådgiver plan", "sykepleier", "lærer ungdomstrinnet", "renholder", "ingeniør vann og avløp", "barnehagelærer")
