"""`mirror`, `drill`, `backup`, `restore`, `ledger compare|accept-loss`: that nothing is lost, and what to do if something is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from api import aftermath, upkeep
from api.aftermath import Aftermath
from api.installation import Installation
from domain.ledger import accepting, loss, monotone, restore_receipts, restoring, tenants
from domain.ledger import backup as backups
from domain.ledger.faults import LedgerError
from domain.ledger.mirror_tail import place_of, read_tail
from domain.ledger.mirror_target import Inside
from domain.ledger.restore_compare import Losses
from tools.cli.options import Data, Database, Json, Tenant, installation, say, settings

By = Annotated[list[str] | None, typer.Option("--by", help="Who decides: give it twice, for two different people.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays in the log.")]


def mirror(data: Data = None, database: Database = None, tenant: Tenant = None) -> None:
    """Bring the mirror up to date now. `serve` and `work` do it each second. Exit 1 where it stands still."""
    stands = False
    with installation(data, database, tenant) as opened:
        _require_mirror(opened)
        for name in [tenant] if tenant else opened.tenant_names():
            job = upkeep.mirrors(opened, name)
            job.tick()
            job.close()
            for chain_id, position in job.state.chains.items():
                print(f"{chain_id}: {position} events are mirrored")
            if job.state.problem:
                print(f"{name}: {job.state.problem}")
                stands = True
    if stands:
        raise typer.Exit(1)


def drill(data: Data = None, database: Database = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Bring the mirror back into a server of its own, verify it and hold it against the ledger. Exit 1 where that fails."""
    with installation(data, database, tenant) as opened:
        _require_mirror(opened)
        proofs = {name: upkeep.drill(opened, name) for name in ([tenant] if tenant else opened.tenant_names())}
    if as_json:
        say({name: {one: getattr(proof, one) for one in proof.__struct_fields__} for name, proof in proofs.items()})
    for name, proof in proofs.items() if not as_json else ():
        if proof.problem:
            print(f"{name}: the mirror could not be brought back: {proof.problem}; last proof: {proof.proved or 'never'}")
        for chain_id, position in proof.chains.items() if not proof.problem else ():
            print(f"{chain_id}: {position} events brought back and verified in {proof.took_s} s")
    if any(proof.problem for proof in proofs.values()):
        raise typer.Exit(1)


def _require_mirror(opened: Installation) -> None:
    if opened.settings.mirror is None:
        raise LedgerError("no mirror is set", hint="Set DAGBOK_MIRROR to a folder or to s3://bucket/prefix.")


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Copy database, documents and secrets while the ledger is at work. The signer's folder is not in it, on purpose."""
    with installation(data, database) as opened:
        made = backups.backup(folder, opened.owner_dsn(), opened.settings.data, opened.clock.now())
    for heads in made.tenants.values():
        for head in heads:
            print(f"{head.chain_id}: {head.position} events or more")
    print(f"{made.files} files, {made.size} bytes in {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    data: Data = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Put a backup into an empty data folder, verify it, and list what it has lost. Exit 1 where anything is.

    With --database the database is one that you have restored yourself, and only documents and secrets are put in place.
    """
    wanted = settings(data, database)
    made = restoring.unpack(folder, wanted.data, with_database=wanted.database is None)
    reason = f"a backup of {made.made} was restored, and what came after it has not been brought back"
    with Installation(wanted) as opened:
        _tell([_examined(opened, name, reason) for name in opened.tenant_names()], as_json)


def compare(data: Data = None, database: Database = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Hold the ledger against the signer's memory, the mirror and the documents' files. Exit 1 where anything is lost.

    After a failover, or a restore by other means: a ledger that has lost something is read-only afterwards.
    """
    with installation(data, database, tenant) as opened:
        names = [tenant] if tenant else opened.tenant_names()
        reason = f"the ledger has lost events, as was found on {opened.clock.now():%Y-%m-%d}"
        _tell([_examined(opened, name, reason) for name in names], as_json)


def _examined(opened: Installation, name: str, reason: str) -> Aftermath:
    found = aftermath.examine(opened, name, reason)
    if not found.read_only:
        receipts_back(opened, name)
    return found


def receipts_back(opened: Installation, name: str) -> int:
    """Give the receipts back that the signer remembers and the database does not; how many."""
    signer_dir, count = opened.settings.signer_folder, 0
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        for row in tenants.chains(connection, name):
            memory = monotone.recall(signer_dir, row.chain_id)
            if memory is not None and monotone.has_key(signer_dir, row.chain_id):
                key = monotone.read_key(monotone.chain_folder(signer_dir, row.chain_id) / "key")
                count += restore_receipts.give_back(connection, row, memory, key)
    return count


def _tell(found: list[Aftermath], as_json: bool) -> None:
    if as_json:
        say({"whole": all(one.whole for one in found), "tenants": [one.as_json() for one in found]})
    for one in found if not as_json else ():
        _tell_one(one)
    if not all(one.whole for one in found):
        raise typer.Exit(1)


def _tell_one(one: Aftermath) -> None:
    for what in one.faults:
        print(f"{one.tenant}: {what}")
    for chain_id in one.unknown:
        print(f"{one.tenant}: the signer knows the chain {chain_id}, which is not here")
    for losses in one.losses:
        _tell_losses(losses)
    files = one.files
    for what, named in (("is absent", files.absent), ("has changed", files.damaged)):
        for position, object_id in named:
            print(f"{one.tenant}: the file {object_id} of position {position} {what}")
    for name in files.extra:
        print(f"{one.tenant}: the file {name} is named by no fact")
    if one.read_only:
        print(f"{one.tenant}: READ-ONLY: {one.read_only}")
        print("  `dagbok log import --mirror` brings back what is mirrored; `dagbok ledger accept-loss` goes on without it.")


def _tell_losses(losses: Losses) -> None:
    for what in losses.another:
        print(f"{losses.chain_id}: ANOTHER HISTORY: {what}")
    if losses.signed is None:
        print(f"{losses.chain_id}: {losses.position} events; nobody can tell what is lost: the signer's memory is not here")
    elif not losses.events:
        print(f"{losses.chain_id}: {losses.position} events, nothing that was signed is lost")
    for lost in losses.events:
        when = datetime.fromtimestamp(lost.recorded_at_us / 1e6, UTC).isoformat() if lost.recorded_at_us else "not mirrored"
        print(f"{losses.chain_id}: lost: position {lost.position}  {when}  {lost.topic}  {lost.stream or ''}".rstrip())
    for position, size in losses.receipts:
        print(f"{losses.chain_id}: lost: the receipt of position {position}, given for a tree of {size}")


def accept_loss(
    by: By = None,
    reason: Reason = "",
    checkpoint: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint that somebody outside holds; may be repeated.")
    ] = None,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Two people accept that events are gone; a new record chain names the old one's last checkpoint, and is written on."""
    with installation(data, database, tenant) as opened:
        name = tenant or opened.open(follow=False).name
        with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
            row = [one for one in tenants.chains(connection, name) if "/record/" in one.chain_id][-1]
            _require_not_mirrored(opened, name, row.chain_id)
            notes = [loss.remembered(opened.settings.signer_folder, row.chain_id)]
            notes += [path.read_text(encoding="utf-8", errors="replace") for path in checkpoint or []]
            found = accepting.accept(connection, name, tuple(by or ()), reason, notes, opened.new_key, now=opened.clock.now())
    chain, decision = found
    lost = f"positions {decision.first}-{decision.last}" if decision.first <= decision.last else "an unknown number of events"
    print(f"{decision.chain_id}: {lost} accepted as lost by {' and '.join(decision.people)}")
    print(f"{chain.chain_id} is open")


def _require_not_mirrored(opened: Installation, tenant: str, chain_id: str) -> None:
    target = upkeep.target(opened, tenant)
    found = read_tail(Inside(target, place_of(chain_id))) if target is not None else None
    if found is not None:
        position = opened.open(tenant, follow=False).ledger.reader.head().position
        if found[0].position > position:
            raise LedgerError(
                f"the mirror holds positions {position + 1}-{found[0].position}: they are not lost",
                hint="`dagbok log import --mirror` brings them back; with --by NAME --by NAME also those that were not signed.",
            )


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    for command in (mirror, drill, backup, restore):
        app.command()(command)
    group = typer.Typer(help="A ledger that may have lost something.", no_args_is_help=True)
    group.command("compare")(compare)
    group.command("accept-loss")(accept_loss)
    app.add_typer(group, name="ledger")
