"""Coverage-guided attack on one parser: `python -m tests.attack.fuzz NAME --seconds 1200 --seed 7`.

NAME is a module beside this file: `seeds` gives inputs to begin with, `one` reads one input and raises where the parser does
what it should not, `INSTRUMENTED` names the modules whose branches lead the search. What grew is kept in `--corpus`, an input
that broke something in `--found` under its kind (crash, timeout, oom). Limits: seconds an input, megabytes of memory, and a hard
bound on the address space. Exit 0 only if nothing was found. With files as further arguments these alone are read, once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import atheris

from tests.attack.fuzz.parsers import INSTRUMENTED, kept

SECONDS_AN_INPUT, MEMORY_MB, ADDRESS_SPACE = 10, 1_024, 4 << 30
PACKAGE = "tests.attack.fuzz"


def main(arguments: Sequence[str]) -> None:
    """Run; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(prog=f"python -m {PACKAGE}")
    parser.add_argument("name")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=SECONDS_AN_INPUT, help="seconds that one input may take")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()) / "dagbok-fuzz")
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args(arguments)
    with atheris.instrument_imports(include=list(INSTRUMENTED[asked.name])):
        target = importlib.import_module(f"{PACKAGE}.{asked.name}")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    corpus = asked.corpus or asked.found / f"corpus-{asked.name}"
    corpus.mkdir(parents=True, exist_ok=True)
    known = os.environ.get("DAGBOK_REFERENCE")
    for number, data in enumerate([*target.seeds(Path(known) if known else None), *kept(asked.name)]):
        (corpus / f"seed-{number}").write_bytes(data)
    options = [
        f"-max_total_time={asked.seconds}",
        f"-seed={asked.seed}",
        f"-max_len={target.MAX_LENGTH}",
        f"-timeout={asked.limit}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={asked.found}/",
        "-print_final_stats=1",
    ]
    print(f"{asked.name}: seed {asked.seed}, {len(list(corpus.iterdir()))} inputs to begin with", flush=True)
    atheris.Setup([sys.argv[0], *options, *map(str, asked.files or [corpus])], target.one)
    atheris.Fuzz()


main(sys.argv[1:])
