"""Checks an export folder without the ledger: no database, no account, nothing of the writer's but ``domain.chain``.

Every byte of every file is held against the entries, the entries against the tree, the tree against the folder's checkpoint,
and that against checkpoints held elsewhere.  The folder is what ``dagbok log export`` writes::

    checkpoint            signed note of the tree           tile/<level>/<index>[.p/<width>]   hashes of the tree
    vkey                  its key, one line                 tile/entries/<index>[.p/<width>]   entries, each behind a u16 length
    disclosed.jsonl       payload lines of all chain-opened, fact-type-introduced and bodies-disposed facts
    schema/<topic>.json   the fact type as introduced; schema/<topic>.body.json that of its body
    payload/<index>.jsonl one line a fact, 256 a file (``chain.payload_line``); with them blob/<object id>, the documents' files

Only a checkpoint held outside shows that this is the history which was signed then: a folder alone may be forged whole.
Memory does not grow with the export: a bundle (256 facts) at a time; what must be compared at the end lies in temporary files.

``python -m tools.verify DIR`` checks; ``python -m tools.verify --build FILE`` writes all of this into one file, which an auditor
can carry: it needs Python 3.11 and ``cryptography``, and nothing of this project.
"""

import sys
from collections.abc import Sequence

from tools import export_report, verify_build
from tools.export_files import Fault
from tools.export_report import Report, verify_export

__all__ = ["Fault", "Report", "main", "verify_export"]


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m tools.verify``: 0 verified or built, 1 faults, 2 could not run."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["--build"]:
        return verify_build.main(given[1:])
    return export_report.main(given)


if __name__ == "__main__":
    sys.exit(main())
