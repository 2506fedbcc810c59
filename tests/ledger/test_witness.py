"""The witness by its protocol (C2SP tlog-witness), over HTTP, and the log's side that asks it."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.witness import create_witness_app
from domain import chain
from domain.ledger import cosigning, monotone, witness
from domain.ledger.clock import SetClock
from domain.ledger.cosigning import WitnessRefused
from domain.ledger.faults import LedgerError
from domain.ledger.witness import SIZE_TYPE, Answer, Witness
from tests.fixtures_ledger import LedgerTenant, new_case
from tests.ledger.test_signer import rows, signer_of

ORIGIN = "aure.kommune.no/record/1"
NAME = "witness.example/w1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLOCK = SetClock(datetime(2026, 3, 4, 12, tzinfo=UTC), running=False)
LEAVES = [chain.leaf_hash(b"%d" % number) for number in range(300)]
NODE = chain.memory_nodes(LEAVES)


def note_of(size: int, root: bytes | None = None, origin: str = ORIGIN, key: Ed25519PrivateKey = KEY) -> str:
    text = chain.Checkpoint(origin, size, chain.tree_root(size, NODE) if root is None else root).text()
    public = key.public_key().public_bytes_raw()
    signature = chain.Signature(origin, chain.key_id(origin, chain.ED25519, public), key.sign(text.encode()))
    return chain.format_note(chain.Note(text, (signature,)))


def request(old: int, size: int, **more: object) -> bytes:
    proof = "".join(b64encode(one).decode() + "\n" for one in chain.prove_consistency(old, size, NODE))
    return f"old {old}\n{proof}\n{note_of(size, **more)}".encode()  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    witness.prepare(tmp_path / "w", NAME, [chain.vkey(ORIGIN, chain.ED25519, KEY.public_key().public_bytes_raw())])
    return tmp_path / "w"


@pytest.fixture
def one(folder: Path) -> Witness:
    return Witness(folder, CLOCK)


def cosigned(answer: Answer, size: int, one: Witness) -> None:
    assert answer.status == 200, answer
    note = chain.parse_note(note_of(size).partition("\n\n")[0] + "\n\n" + answer.text)
    assert chain.verify_note(note, witness.log_keys([one.vkey])) == {NAME}
    assert note.signatures[0].data[:8] == int(CLOCK.now().timestamp()).to_bytes(8, "big")


def test_it_cosigns_what_continues_what_it_cosigned(folder: Path, one: Witness) -> None:
    old = 0
    for size in (1, 5, 5, 256, 300):
        cosigned(one.add_checkpoint(request(old, size)), size, one)
        old = size
        one = Witness(folder, CLOCK)  # what it knows is on the disk


def test_an_empty_tree_can_be_cosigned(one: Witness) -> None:
    assert one.add_checkpoint(f"old 0\n\n{note_of(0, chain.EMPTY_ROOT)}".encode()).status == 200
    cosigned(one.add_checkpoint(request(0, 7)), 7, one)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (request(9, 12, origin="other.example/log"), 404),
        (request(9, 12, key=Ed25519PrivateKey.from_private_bytes(bytes(32))), 403),
        (request(9, 12).replace(b"\n\naure", b"\n\nAure", 1), 404),
        (request(0, 12), 409),
        (request(8, 12), 409),
        (request(9, 9, root=bytes(32)), 409),
        (request(9, 12, root=bytes(32)), 422),
        (request(8, 12).replace(b"old 8", b"old 9"), 422),
        (f"old 9\n\n{note_of(12)}".encode(), 422),
        (b"old 9\n" + b64encode(bytes(32)) + b"\n\n" + note_of(9).encode(), 422),
        (request(9, 12).replace(b"old 9", b"old 13"), 400),
        (request(9, 12).replace(b"old 9", b"old 09"), 400),
        (request(9, 12).replace(b"old 9", b"old -9"), 400),
        (b"", 400),
        (b"\xff", 400),
        (b"old 9\nAAAA\n\n" + note_of(12).encode(), 400),
        (b"old 9\n" + 64 * (b64encode(bytes(32)) + b"\n") + b"\n" + note_of(12).encode(), 400),
        (request(9, 12)[:-10], 400),
        (request(9, 12) + bytes(witness.REQUEST_LIMIT), 400),
    ],
)
def test_what_it_refuses_it_does_not_remember(one: Witness, body: bytes, status: int) -> None:
    cosigned(one.add_checkpoint(request(0, 9)), 9, one)
    answer = one.add_checkpoint(body)
    assert answer.status == status, answer
    cosigned(one.add_checkpoint(request(9, 12)), 12, one)


def test_a_conflict_names_the_size_to_go_on_from(one: Witness) -> None:
    assert one.add_checkpoint(request(5, 9)) == Answer(409, SIZE_TYPE, "0\n")
    one.add_checkpoint(request(0, 9))
    assert one.add_checkpoint(request(0, 12)) == Answer(409, SIZE_TYPE, "9\n")


def test_signatures_of_unknown_keys_are_passed_over_and_not_kept(folder: Path, one: Witness) -> None:
    stranger = chain.Signature("stranger.example", b"abcd", bytes(64))
    for old, size in ((0, 9), (9, 12)):
        note = chain.parse_note(note_of(size))
        crowded = chain.format_note(chain.Note(note.text, (*[stranger] * 99, *note.signatures)))
        cosigned(one.add_checkpoint(request(old, size).replace(note_of(size).encode(), crowded.encode())), size, one)
    assert "stranger" not in "".join(path.read_text() for path in folder.glob("*.checkpoint"))


def test_a_cosignature_that_cannot_be_remembered_does_not_leave(one: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(witness.durable, "replace", dies)
        with pytest.raises(OSError, match="disk full"):
            one.add_checkpoint(request(0, 9))
    cosigned(one.add_checkpoint(request(0, 9)), 9, one)


def test_of_two_histories_at_once_it_cosigns_one(folder: Path) -> None:
    other = chain.memory_nodes([chain.leaf_hash(b"x%d" % number) for number in range(40)])
    bodies = [request(0, 40), f"old 0\n\n{note_of(40, chain.tree_root(40, other))}".encode()]
    start = threading.Barrier(8)

    def ask(number: int) -> tuple[int, int]:
        mine = Witness(folder, CLOCK)
        start.wait()
        return number % 2, mine.add_checkpoint(bodies[number % 2]).status

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({which for which, status in answers if status == 200}) == 1
    assert {status for _, status in answers} == {200, 409}


def test_a_folder_that_is_no_witness_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no witness"):
        Witness(tmp_path, CLOCK)
    with pytest.raises(chain.ChainError, match="not a key name"):
        witness.prepare(tmp_path / "w", "a b", [])


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The witness behind its HTTP face, on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(create_witness_app(folder, CLOCK), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_the_http_face(served: str, one: Witness) -> None:
    with httpx.Client() as client:
        answer = client.post(f"{served}/add-checkpoint", content=request(0, 9))
        cosigned(Answer(answer.status_code, "", answer.text), 9, one)
        answer = client.post(f"{served}/add-checkpoint", content=request(0, 12))
        assert (answer.status_code, answer.headers["content-type"], answer.text) == (409, SIZE_TYPE, "9\n")
        assert client.post(f"{served}/add-checkpoint", content=bytes(1 << 20)).status_code == 413
        assert client.get(f"{served}/add-checkpoint").status_code == 405
        assert client.post(f"{served}/").status_code == 404


def test_a_log_asks_and_goes_on_from_what_the_witness_knows(served: str, one: Witness) -> None:
    with httpx.Client() as client:
        line = cosigning.ask(client, served, note_of(9), 0, NODE, one.vkey)
        cosigned(Answer(200, "", line), 9, one)
        cosigning.ask(client, served + "/", note_of(12), 3, NODE, one.vkey)  # 409, then the right size
        with pytest.raises(WitnessRefused, match="has cosigned '12' events"):
            cosigning.ask(client, served, note_of(11), 9, NODE, one.vkey)
        with pytest.raises(WitnessRefused, match="422"):
            cosigning.ask(client, served, note_of(20, bytes(32)), 12, NODE, one.vkey)
        stranger = chain.vkey(NAME, chain.COSIGNATURE_V1, KEY.public_key().public_bytes_raw())
        with pytest.raises(WitnessRefused, match="no cosignature of"):
            cosigning.ask(client, served, note_of(20), 12, NODE, stranger)


@pytest.mark.parametrize("answer", ["", "nonsense\n", f"— {NAME} AAAA\n", "— a b\n" * 101])
def test_a_log_keeps_no_answer_that_is_not_a_cosignature(one: Witness, answer: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=answer))
    with httpx.Client(transport=transport) as client, pytest.raises(WitnessRefused):
        cosigning.ask(client, "http://witness", note_of(9), 0, NODE, one.vkey)


def test_the_ledgers_latest_checkpoint_is_cosigned_and_kept(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    signing = signer_of(ledger_tenant)
    vkey = witness.prepare(tmp_path / "w", NAME, [signing.vkey])
    mine = Witness(tmp_path / "w", CLOCK)

    def answer(message: httpx.Request) -> httpx.Response:
        given = mine.add_checkpoint(message.read())
        return httpx.Response(given.status, text=given.text, headers={"content-type": given.content_type})

    sizes = []
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        psycopg.connect(ledger_tenant.dsn("signer"), autocommit=True) as connection,
    ):
        assert cosigning.cosign_latest(connection, ledger_tenant.tenant, client, "http://w", vkey) is None
        for _ in range(3):
            new_case(ledger_tenant.ledger)
            signed = signing.tick()
            assert signed is not None
            sizes.append(signed.size)
            assert cosigning.cosign_latest(connection, ledger_tenant.tenant, client, "http://w", vkey) is not None
            assert cosigning.cosign_latest(connection, ledger_tenant.tenant, client, "http://w", vkey) is None
    kept = rows(
        ledger_tenant, "select size, witness, note, line from {t}.ledger_cosignature join {t}.ledger_checkpoint using (size)"
    )
    assert [(row[0], row[1]) for row in kept] == [(size, NAME) for size in sizes]
    for _, _, note, line in kept:
        keys = witness.log_keys([signing.vkey, vkey])
        assert chain.verify_note(chain.parse_note(f"{note}{line}"), keys) == {signing.chain_id, NAME}
    signing.close()


def test_witness_and_signer_keys_are_not_shared(folder: Path) -> None:
    assert monotone.read_key(folder / "key").public_key() != KEY.public_key()
    assert oct((folder / "key").stat().st_mode & 0o777) == "0o600"
