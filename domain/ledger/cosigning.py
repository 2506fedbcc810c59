"""Asking a witness to cosign the latest checkpoint (C2SP tlog-witness, the log's side)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx
import psycopg
from psycopg import sql

from domain import chain
from domain.ledger.faults import LedgerError
from domain.ledger.tiles import StoredTree
from domain.ledger.witness import SIZE_TYPE, log_keys

TIMEOUT_S = 10.0
ANSWER_LIMIT = 64 * 1024


class WitnessRefused(LedgerError):
    """The witness did not cosign the checkpoint. Registration goes on; what it covers is not witnessed yet."""

    code = "witness.refused"


def ask(client: httpx.Client, url: str, note: str, old: int, node: chain.NodeReader, witness: str) -> str:
    """The witness's cosignature line on a checkpoint's note, verified with its verifier key `witness`.

    url: submission prefix. old: size of the checkpoint that it cosigned last, as far as known; asked once more where the witness
    names another. Raises WitnessRefused, httpx.HTTPError.
    """
    checkpoint = chain.parse_checkpoint(chain.parse_note(note).text)
    response = _post(client, url, note, old, checkpoint.size, node)
    if response.status_code == httpx.codes.CONFLICT and response.headers.get("content-type") == SIZE_TYPE:
        known = response.text.strip()
        if not known.isdecimal() or int(known) > checkpoint.size:
            raise WitnessRefused(f"the witness has cosigned {known[:40]!r} events, and the ledger has {checkpoint.size}")
        response = _post(client, url, note, int(known), checkpoint.size, node)
    if response.status_code != httpx.codes.OK or len(response.content) > ANSWER_LIMIT:
        raise WitnessRefused(f"the witness answered {response.status_code}: {response.text[:200].strip()}")
    return _cosignature(note, response.text, witness)


def _post(client: httpx.Client, url: str, note: str, old: int, size: int, node: chain.NodeReader) -> httpx.Response:
    proof = "".join(b64encode(one).decode() + "\n" for one in chain.prove_consistency(old, size, node))
    content = f"old {old}\n{proof}\n{note}".encode()
    return client.post(url.rstrip("/") + "/add-checkpoint", content=content, timeout=TIMEOUT_S)


def _cosignature(note: str, lines: str, witness: str) -> str:
    """The line of the known key among those that came: others are passed over, a false one spoils the answer."""
    name = chain.parse_vkey(witness)[0]
    keys = log_keys([witness])
    try:
        signed = chain.parse_note(note.partition("\n\n")[0] + "\n\n" + lines)
    except chain.ChainError as problem:
        raise WitnessRefused(f"the witness's answer cannot be read: {problem}") from problem
    if name not in chain.verify_note(signed, keys):
        raise WitnessRefused(f"the witness's answer holds no cosignature of {name}")
    mine = next(one for one in signed.signatures if (one.name, one.key_id) in keys)
    return chain.format_note(chain.Note(signed.text, (mine,))).rpartition("\n\n")[2]


def cosign_latest(connection: psycopg.Connection[Any], schema: str, client: httpx.Client, url: str, witness: str) -> str | None:
    """Have the latest checkpoint cosigned and keep it so; None where it is already. connection: of the signer role.

    Raises WitnessRefused, httpx.HTTPError.
    """
    name = chain.parse_vkey(witness)[0]
    tables = {table: sql.Identifier(schema, table) for table in ("ledger_checkpoint", "ledger_cosignature")}
    query = sql.SQL(
        "select c.size, c.root, c.note, coalesce((select max(o.size) from {ledger_cosignature} o where o.witness = %s), 0)"
        " from {ledger_checkpoint} c order by c.size desc limit 1"
    ).format(**tables)
    row = connection.execute(query, (name,)).fetchone()
    if row is None or row[0] == row[3]:
        return None
    size, root, note, old = row
    line = ask(client, url, note, old, StoredTree(connection, schema, size).node, witness)
    with connection.transaction():  # the signer may have let go of the checkpoint meanwhile
        checkpoint = sql.SQL("insert into {ledger_checkpoint} values (%s, %s, %s) on conflict do nothing").format(**tables)
        connection.execute(checkpoint, (size, root, note))
        cosignature = sql.SQL("insert into {ledger_cosignature} values (%s, %s, %s) on conflict do nothing").format(**tables)
        connection.execute(cosignature, (size, name, line))
    return line
