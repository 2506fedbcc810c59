"""The mirror in a bucket: against a real S3-compatible server that checks signatures, and its signing against published ones."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from functools import partial
from hashlib import sha256

import httpx
import pytest

from domain.ledger import bringing
from domain.ledger.clock import SystemClock
from domain.ledger.exported import Export
from domain.ledger.mirror import Mirror
from domain.ledger.mirror_place import open_target
from domain.ledger.mirror_s3 import Access, BucketTarget, authorization
from domain.ledger.mirror_target import FolderTarget, Inside, Target, TargetFault, put_bytes, read
from domain.ledger.signer import ensure_key
from domain.ledger.tenants import Chain
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.appending import wait_until
from tests.ledger.test_export import new_document, sign
from tests.ledger.test_signer import CUT, chain_id_of, rows, tamper

EMPTY = sha256(b"").hexdigest()
PUBLISHED = Access(
    "https://examplebucket.s3.amazonaws.com", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


@pytest.mark.parametrize(
    ("path", "headers", "signature"),
    [
        ("/test.txt", {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/?lifecycle=", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_a_request_is_signed_as_the_published_examples_are(path: str, headers: dict[str, str], signature: str) -> None:
    """The examples of the S3 API reference, "Signature Calculations for the Authorization Header"."""
    url = PUBLISHED.endpoint + path
    assert authorization(PUBLISHED, "GET", url, "20130524T000000Z", EMPTY, headers)["authorization"].endswith(
        f"Signature={signature}"
    )
    assert signature not in authorization(PUBLISHED, "GET", url, "20130524T000001Z", EMPTY, headers)["authorization"]
    assert PUBLISHED.secret not in repr(PUBLISHED)


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    """A server that lets in only whom it knows: a user is made first, and every request after that must be signed right."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def iam(**form: str) -> str:
        scope = "AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
        answer = httpx.post(url, data={**form, "Version": "2010-05-08"}, headers={"authorization": scope})
        assert answer.status_code == 200, answer.text
        return answer.text

    try:
        wait_until(answers)
        iam(Action="CreateUser", UserName="mirror")
        iam(Action="PutUserPolicy", UserName="mirror", PolicyName="all", PolicyDocument=POLICY)
        text = iam(Action="CreateAccessKey", UserName="mirror")
        key, secret = (text.split(f"<{name}>")[1].split("<")[0] for name in ("AccessKeyId", "SecretAccessKey"))
        made = Access(url, "us-east-1", key, secret)
        moment = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
        answer = httpx.put(f"{url}/arkiv", headers=authorization(made, "PUT", f"{url}/arkiv", moment, EMPTY))
        assert answer.status_code == 200, answer.text
        yield made
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def target(access: Access) -> Target:
    """A prefix of its own in the bucket."""
    return open_target(f"s3://arkiv/{uuid.uuid4()}", access, SystemClock())


def test_an_object_comes_back_as_it_was_put(target: Target) -> None:
    data = os.urandom(3 << 20)
    names = ["a", "b/c d", "b/æøå+&=?", "tile/x000/001.p/3"]
    for name in names:
        put_bytes(target, name, data)
    assert [read(target, name, 4 << 20) for name in names] == [data] * len(names)
    assert list(target.names("")) == [(name, len(data)) for name in sorted(names)]
    assert [name for name, _ in target.names("b/")] == ["b/c d", "b/æøå+&=?"]
    put_bytes(target, "a", b"")
    assert read(target, "a", 1) == b""
    target.delete("a")
    target.delete("a")
    assert target.get("a") is None


def test_more_names_than_a_page_are_listed(target: Target) -> None:
    for number in range(1_003):
        put_bytes(target, f"n/{number:05}", b"")
    assert [name for name, _ in target.names("n/")] == [f"n/{number:05}" for number in range(1_003)]


def test_what_is_damaged_on_the_way_is_not_stored(target: Target) -> None:
    put_bytes(target, "a", b"whole")
    with pytest.raises(TargetFault, match="damaged on the way"):
        target.put("a", [b"half", b"way"], 7, sha256(b"halfwaz").hexdigest())
    assert read(target, "a", 10) == b"whole"


def test_a_wrong_key_and_a_dead_server_are_said_in_words(access: Access) -> None:
    stranger = Access(access.endpoint, access.region, access.key_id, "wrong")
    with pytest.raises(TargetFault, match="answered 403"):
        put_bytes(BucketTarget(stranger, "arkiv", "x", SystemClock()), "a", b"")
    with pytest.raises(TargetFault, match="answered 404"):
        put_bytes(BucketTarget(access, "no-such-bucket", "x", SystemClock()), "a", b"")
    nobody = Access("http://127.0.0.1:9", "us-east-1", "a", "b")
    with pytest.raises(TargetFault, match="cannot be reached"):
        put_bytes(BucketTarget(nobody, "arkiv", "x", SystemClock()), "a", b"")
    with pytest.raises(TargetFault, match="cannot be opened"):
        open_target("s3://arkiv", Access("http://127.0.0.1:9", "", "", ""), SystemClock())
    assert isinstance(open_target("/srv/mirror", nobody, SystemClock()), FolderTarget)


def test_a_lost_tail_comes_back_from_a_bucket(ledger_tenant: LedgerTenant, target: Target) -> None:
    case = new_case(ledger_tenant.ledger)
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    for _ in range(60):
        new_entry(ledger_tenant.ledger, case)
    sign(ledger_tenant)
    chain_id = chain_id_of(ledger_tenant)
    place = Inside(target, chain_id)
    mirror = Mirror(ledger_tenant.dsn("auditor"), Chain(1, chain_id, ledger_tenant.tenant), place, ledger_tenant.ledger.blobs)
    mirror.tick()
    mirror.close()
    whole = rows(ledger_tenant, "select * from {t}.event order by position")
    tamper(ledger_tenant, CUT)
    tamper(ledger_tenant, "delete from {t}.ledger_tile; delete from {t}.ledger_checkpoint")
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    assert Export(place).held == len(whole) > 256
    with ledger_tenant.owner() as connection:
        vkey_for = partial(ensure_key, ledger_tenant.signer_dir)
        brought = bringing.bring(connection, ledger_tenant.tenant, place, ledger_tenant.ledger.blobs, vkey_for)
    assert (brought.first, brought.last, brought.blobs) == (5, len(whole), 1)
    assert rows(ledger_tenant, "select * from {t}.event order by position") == whole
