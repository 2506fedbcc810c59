"""The program `dagbok`: what operators, archivists and auditors run. Exit 0 done, 1 refused or found faulty, 2 could not run."""

from __future__ import annotations

import signal
import sys

import typer

from domain.model.errors import DagbokError
from tools.cli import access, accounts, identity, journal, keeping, log, readers, rights, running, tenants, witnesses
from tools.cli.options import say_fault

app = typer.Typer(
    name="dagbok",
    help="The records ledger: every registration, access change, signature and correction is an immutable, hash-chained event.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
tenants.register(app)
running.register(app)
journal.register(app)
log.register(app)
witnesses.register(app)
keeping.register(app)
rights.register(app)
readers.register(app)
access.register(app)
accounts.register(app)
identity.register(app)


def main() -> None:
    """Run the program; a fault is said in words, never as a traceback."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an ordinary exit: the embedded server stops with its last user
    try:
        sys.exit(app(standalone_mode=False))  # the code of a typer.Exit comes back as a result here, it is not raised
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except DagbokError as problem:
        say_fault(problem)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as problem:
        print(f"dagbok: {problem.strerror or problem}: {problem.filename or ''}".rstrip(": "), file=sys.stderr)
        sys.exit(2)
    except Exception as problem:
        usage = getattr(problem, "format_message", None)
        if usage is None:
            raise
        print(f"dagbok: {usage()}", file=sys.stderr)
        sys.exit(2)
