"""The program `dagbok`: what operators, archivists and auditors run. Exit 0 done, 1 refused or found faulty, 2 could not run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from importlib import import_module

import typer

from domain.model.errors import DagbokError

# command -> the module of it. Reading every module takes seconds, and a command needs one.
MODULES: Mapping[str, str] = {
    **dict.fromkeys(("init", "migrate", "tenant"), "tools.cli.tenants"),
    **dict.fromkeys(("demo", "serve"), "tools.cli.running"),
    **dict.fromkeys(("work", "sign", "doctor"), "tools.cli.working"),
    **dict.fromkeys(("import", "history", "rebuild"), "tools.cli.journal"),
    **dict.fromkeys(("log", "verify"), "tools.cli.log"),
    "bench": "tools.cli.measuring",
    "witness": "tools.cli.witnesses",
    **dict.fromkeys(("mirror", "drill", "backup", "restore", "ledger"), "tools.cli.keeping"),
    **dict.fromkeys(("rights", "matrix", "audit"), "tools.cli.rights"),
    **dict.fromkeys(("readers", "readable"), "tools.cli.readers"),
    "access-report": "tools.cli.access",
    "account": "tools.cli.accounts",
    **dict.fromkeys(("idm", "service"), "tools.cli.identity"),
}


def application(command: str | None = None) -> typer.Typer:
    """The program. command: as much of it as that command needs; all of it where there is none such."""
    made = typer.Typer(
        name="dagbok",
        help="The records ledger: every registration, access change, signature and correction is an immutable, chained event.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(_nothing)  # a program of one command would leave its name out
    wanted = MODULES.get(command or "")
    for name in [wanted] if wanted else dict.fromkeys(MODULES.values()):
        import_module(name).register(made)
    return made


def _nothing() -> None:
    return None


def main() -> None:
    """Run the program; a fault is said in words, never as a traceback."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an ordinary exit: the embedded server stops with its last user
    try:
        sys.exit(
            application(next(iter(sys.argv[1:]), None))(standalone_mode=False)
        )  # the code of a typer.Exit comes back as a result here, it is not raised
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except DagbokError as problem:
        _say(problem)
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


def _say(problem: DagbokError) -> None:
    """A fault on the error stream, with what to do next."""
    print(f"dagbok: {problem}", file=sys.stderr)
    if problem.hint:
        print(f"  {problem.hint}", file=sys.stderr)
