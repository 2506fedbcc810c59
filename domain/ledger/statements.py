"""The writer's SQL for one chain, composed once."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql


class Statements:
    """head, versions, claims, counters, now: what a batch meets; log_stream: the chain's own facts; append: the one call."""

    def __init__(self, tenant: str, schema: str, record_schemas: Sequence[str]) -> None:
        one = sql.SQL("select originator_id, originator_version from {}")
        names = {
            "event": sql.Identifier(schema, "event"),
            "events": sql.SQL(" union all ").join(one.format(sql.Identifier(name, "event")) for name in record_schemas),
            "head": sql.Identifier(schema, "ledger_head"),
            "claim": sql.Identifier(tenant, "ledger_claim"),
            "counter": sql.Identifier(tenant, "ledger_counter"),
            "chains": sql.Identifier(tenant, "ledger_chain"),
            "now": sql.Identifier(tenant, "ledger_now"),
            "stop": sql.Identifier(schema, "ledger_stop"),
            "append": sql.Identifier(schema, "ledger_append"),
        }

        def make(text: str) -> sql.Composed:
            return sql.SQL(text).format(**names)  # pyright: ignore[reportArgumentType]

        self.head = make("select position, chain_hash, frontier, recorded_at_us from {head} for update")
        self.versions = make(
            "select originator_id, max(originator_version) from ({events}) e where originator_id = any(%s) group by 1"
        )
        self.claims = make(
            "select c.kind, c.key, c.originator_id from {claim} c"
            " join unnest(%s::text[], %s::text[]) w(kind, key) using (kind, key)"
        )
        self.counters = make("select series, value from {counter} where series = any(%s)")
        self.now = make(
            "select {now}(), exists(select 1 from {chains} where chain_no > %s and chain_id like '%%/record/%%'),"
            " (select max(originator_version) from {event} where originator_id ="
            " (select originator_id from {event} where position = 1)), (select min(reason) from {stop})"
        )
        self.log_stream = make(
            "select originator_id, originator_version, topic, meta from {event} where originator_id ="
            " (select originator_id from {event} where position = 1) order by originator_version"
        )
        self.append = make(
            "select {append}($1::int8, $2::bytea, $3::int8, $4::bytea, $5::bytea, $6::int8, $7::timestamptz, $8::uuid[],"
            " $9::int8[], $10::text[], $11::text[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::int8[],"
            " $17::int8[], $18::uuid[], $19::int8[], $20::text[], $21::bytea[], $22::bytea[], $23::bytea[],"
            " $24::bytea[], $25::bytea[], $26::bytea[], $27::bytea[], $28::bytea[])"
        )
