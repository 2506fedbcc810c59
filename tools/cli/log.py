"""`verify`, `log export|import|proof|check`: the chain itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api import upkeep
from api.installation import Installation
from api.installation import Tenant as OpenTenant
from domain import chain
from domain.ledger import bringing, monotone, receipts, selfcheck
from domain.ledger.blobs import Folder
from domain.ledger.export import export
from domain.ledger.exported import Export
from domain.ledger.faults import LedgerError
from domain.ledger.mirror_tail import place_of
from domain.ledger.mirror_target import Inside, Target
from domain.ledger.ranges import Workers
from domain.ledger.restore_drill import head, mirrored
from domain.ledger.tenants import chains
from domain.model.errors import DagbokError, NotFound
from tools.cli.keeping import By, Reason, receipts_back
from tools.cli.options import Data, Database, Json, Tenant, installation, say

RECEIPT_WAIT_S = 5.0
Checkpoints = Annotated[list[Path] | None, typer.Option("--checkpoint", help="A checkpoint that you hold; may be repeated.")]
Vkeys = Annotated[
    list[Path] | None, typer.Option("--vkey", help="A verifier key of a log or witness that you know; may be repeated.")
]


def verify(
    checkpoint: Checkpoints = None,
    vkey: Vkeys = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Read only the events that came after those verified last.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="How many share a long chain; default: one a core, at most 2.")
    ] = None,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Compute every row of the ledger again. Exit 1 names the first broken position; 2: could not run.

    A run without a fault is remembered beside the signer's keys. With --incremental the next one begins there.
    """
    held = [_read(path) for path in checkpoint or []]
    keys = [_read(path).strip() for path in vkey or []]
    with installation(data, database, tenant) as opened:
        name, signer = tenant or opened.open(follow=False).name, opened.settings.signer_folder
        memory = selfcheck.Memory(signer, opened.clock, incremental) if incremental or signer.is_dir() else None
        dsn = opened.role_dsn(name, "auditor")
        try:
            with psycopg.connect(dsn, autocommit=True) as connection, Workers(dsn, processes) as workers:
                reports = selfcheck.check(connection, name, held, keys, memory, workers)
        except psycopg.Error as problem:
            raise DagbokError(f"the database cannot be read: {problem}", hint="See `dagbok doctor`.") from problem
    found = selfcheck.as_json(reports)
    if as_json:
        say(found)
    else:
        _say_verified(found)
    if not found["ok"]:
        raise typer.Exit(1)


def _say_verified(found: dict[str, Any]) -> None:
    for one in found["chains"]:
        if one["ok"]:
            print(f"{one['chain_id']}: {one['events']} events verified, head {one['head']}")
        for fault in one["faults"]:
            place = f"position {fault['position']}" if fault["position"] is not None else "the chain"
            print(f"{one['chain_id']}: {place}: {fault['what']}")
        for what in one["unprovable"]:
            print(f"{one['chain_id']}: unprovable: {what}")
        if one["erased"]:
            print(f"{one['chain_id']}: {one['erased']} bodies erased by decision")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DagbokError(
            f"{path} is not a text file", hint="Give a checkpoint or a verifier key as it was handed out."
        ) from None


def _blobs(opened: Installation, tenant: str) -> Folder:
    return Folder(opened.settings.data / "blobs" / tenant)


def export_log(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    payloads: Annotated[bool, typer.Option("--payloads", help="With the facts' contents and the documents' files.")] = False,
    chain_id: Annotated[str | None, typer.Option("--chain", help="Which chain; default: the open record chain.")] = None,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Write a chain as tools for transparency logs read it; without --payloads nothing confidential leaves."""
    with installation(data, database, tenant) as opened:
        name = tenant or opened.open(follow=False).name
        with psycopg.connect(opened.role_dsn(name, "auditor"), autocommit=True) as connection:
            written = export(connection, name, folder, _blobs(opened, name) if payloads else None, chain_id)
    print(f"{written.chain_id}: {written.size} events, {written.blobs} files in {folder}")


def import_log(
    folder: Annotated[Path | None, typer.Argument(help="An export with payloads, or a chain's folder in a mirror.")] = None,
    from_mirror: Annotated[
        bool, typer.Option("--mirror", help="Take what was lost, of every chain, from the mirror that is set.")
    ] = False,
    by: By = None,
    reason: Reason = "",
    without_blobs: Annotated[
        bool, typer.Option("--without-blobs", help="Take events whose files are missing; verify will say so.")
    ] = False,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Bring in a chain byte for byte: the missing tail of one that is here, or a closed one.

    From a mirror comes what was signed; what came after that, where two people vouch for it (--by, --by, --reason).
    """
    if (folder is None) is not from_mirror:
        raise DagbokError("from where?", hint="Give a folder, or --mirror.")
    with installation(data, database, tenant) as opened:
        name = tenant or opened.open(follow=False).name
        sources = [folder] if folder is not None else _mirrored(opened, name)
        problems: list[LedgerError] = []
        for source in sources:
            memory = monotone.recall(opened.settings.signer_folder, Export(source).chain_id)
            known = bringing.Known(memory, tuple(by or ()), reason)
            try:
                with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
                    _told(bringing.bring(connection, name, source, _blobs(opened, name), opened.new_key, without_blobs, known))
            except LedgerError as problem:  # each chain by itself: one that is at fault keeps no other one away
                problems.append(problem)
        receipts_back(opened, name)
    if problems:
        raise problems[0]


def _told(brought: bringing.Brought) -> None:
    print(f"{brought.chain_id}: positions {brought.first} to {brought.last} and {brought.blobs} files brought in")
    for positions, what in (
        (brought.left, "in the mirror, never signed: two people may vouch for them (--by NAME --by NAME)"),
        (brought.missing, "signed, and not in the mirror: nothing more is written there before they are back"),
    ):
        if positions:
            print(f"{brought.chain_id}: positions {positions[0]} to {positions[-1]} were {what}")


def _mirrored(opened: Installation, tenant: str) -> list[Target]:
    """Of the mirror that is set: each chain that has more events there than here, and the years of the access log that are not
    here; where there is none, the open record chain, of which is then said that nothing is missing."""
    target = upkeep.target(opened, tenant)
    if target is None:
        raise DagbokError("no mirror is set", hint="Set DAGBOK_MIRROR, or name a folder.")
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        here = {one.chain_id: head(connection, one) for one in chains(connection, tenant)}
    there = {one.chain_id: one.held for one in mirrored(target)}
    found = [one for one, held in there.items() if held > here.get(one, 0 if "/access/" in one else held)]
    last = [one for one in here if "/record/" in one][-1:]
    return [Inside(target, place_of(one)) for one in found or last]


def proof(
    position: Annotated[int, typer.Argument(help="Position of an event in the open record chain.")],
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Print the receipt of an event: proof that it is in the log. The signer must be at work."""
    with installation(data, database, tenant) as opened:
        print(_receipt(opened.open(tenant, follow=False), position), end="")


def _receipt(tenant: OpenTenant, position: int) -> str:
    reader = tenant.ledger.reader
    chain_id, schema = reader.record_chains[-1]
    if not 0 < position <= reader.head().position:
        raise NotFound("event", f"{chain_id}#{position}")
    with tenant.read() as connection:
        receipts.request(connection, schema, position)
    until = time.monotonic() + RECEIPT_WAIT_S
    while True:
        try:
            with reader.pool.connection() as connection:
                return receipts.receipt(connection, schema, chain_id, position)
        except receipts.NotYet:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def check(
    file: Annotated[Path, typer.Argument(help="A receipt.")],
    vkey: Annotated[Path, typer.Option("--vkey", help="The log's verifier key, as in the file `vkey` of an export.")],
) -> None:
    """Check a receipt offline. Exit 1 where it does not hold."""
    try:
        receipt = chain.parse_proof(_read(file))
        name, algorithm, key = chain.parse_vkey(_read(vkey).strip())
        note = chain.parse_note(receipt.checkpoint)
        checkpoint = chain.parse_checkpoint(note.text)
        if receipt.extra is None:
            raise chain.ProofError("the receipt holds no entry")
        if algorithm != chain.ED25519 or checkpoint.origin != name:
            raise chain.ProofError("the key is not this log's")
        identity = chain.key_id(name, algorithm, key)
        signed = chain.verify_note(note, {(name, identity): lambda text, signature: _signed(key, signature, text)})
        if name not in signed:
            raise chain.ProofError("the checkpoint is not signed with this key")
        chain.check_inclusion(receipt.hashes, receipt.index, checkpoint.size, chain.leaf_hash(receipt.extra), checkpoint.root)
        entry = chain.decode_entry(receipt.extra)
        if (entry.chain_id, entry.position) != (name, receipt.index + 1):
            raise chain.ProofError("the entry is another one than the proof speaks of")
    except chain.ChainError as problem:
        print(f"does not hold: {problem}")
        raise typer.Exit(1) from None
    print(f"holds: {entry.topic} at position {entry.position} of {entry.chain_id}, in a tree of {checkpoint.size}")


def _signed(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    app.command()(verify)
    group = typer.Typer(help="The chain as files: export, import, proofs.", no_args_is_help=True)
    group.command("export")(export_log)
    group.command("import")(import_log)
    group.command("proof")(proof)
    group.command("check")(check)
    app.add_typer(group, name="log")
