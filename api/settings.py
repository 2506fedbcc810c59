"""Every setting, in one class. The prefix is DAGBOK_; a data folder alone is enough to run."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """Settings of one installation, read from the environment (DAGBOK_DATA and so on)."""

    model_config = SettingsConfigDict(env_prefix="DAGBOK_", extra="ignore")

    data: Path = Field(default=Path("data"), description="Data folder: embedded database, documents, secrets.")
    database: str | None = Field(default=None, description="PostgreSQL connection string (the owner's), not the embedded server.")
    replica: str | None = Field(
        default=None, description="Connection string of a standby that projections read the log from; rows go to the primary."
    )
    signer_dir: Path | None = Field(
        default=None, description="The signer's keys and monotone store; default: the data folder's name + .signer."
    )
    tenant: str | None = Field(default=None, description="Which municipality a command speaks of; default: the only one.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8765, description="Port to listen on; where it is taken, the next free one.")
    language: str = Field(default="nb", description="Language of pages where the visitor has none: nb, nn, sv, en.")
    actor: str = Field(default="", description="Who acts on pages and REST where rights are not in use yet; loopback only.")
    public_url: str = Field(
        default="", description="The address that people type, https://… where others than this machine reach it."
    )
    request_limit: int = Field(default=6 * 1024**3, description="Largest request, bytes.")
    file_limit: int = Field(default=5 * 1024**3, description="Largest file, bytes.")
    xml_limit: int = Field(default=16 * 1024**2, description="Largest XML message, bytes.")
    disk_reserve: int = Field(
        default=256 * 1024**2, description="Free bytes below which nothing new is written: a database needs room to start again."
    )
    time_source: str | None = Field(
        default=None, description="URL of a server outside whose Date header the clock is held against at start, e.g. a witness."
    )
    mirror: str | None = Field(
        default=None, description="Where every event and file is mirrored as it comes: a folder, or s3://bucket/prefix."
    )
    mirror_endpoint: str | None = Field(
        default=None, description="Address of the S3-compatible server, without bucket; default: Amazon's in the region."
    )
    mirror_region: str = Field(default="us-east-1", description="Region of the mirror's bucket.")
    mirror_key_id: str = Field(default="", description="Access key of the mirror's bucket.")
    mirror_secret: SecretStr = Field(default=SecretStr(""), description="Secret key of the mirror's bucket.")
    drill_hours: float = Field(
        default=168.0, gt=0, description="Hours between two drills, in which the mirror is brought back and verified."
    )
    read_wait_ms: int = Field(default=300, description="How long a page waits for what its reader just wrote, milliseconds.")

    metrics_token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token that /metrics asks for; empty: it answers this machine alone."
    )
    session_idle_minutes: int = Field(default=60, gt=0, description="Minutes without use after which a session ends.")
    session_hours: int = Field(default=12, gt=0, description="Hours after which a session ends in any case.")
    oidc_issuer: str = Field(default="", description="OpenID provider that people log in at, exactly as it names itself.")
    oidc_client: str = Field(default="", description="Our client id at the OpenID provider.")
    oidc_secret: SecretStr = Field(default=SecretStr(""), description="Our client secret there; empty: PKCE alone.")
    oidc_scope: str = Field(default="openid profile", description="Scopes asked of the OpenID provider.")
    oidc_claim: str = Field(default="preferred_username", description="Claim of the ID token that holds the user name.")
    oidc_acr: str = Field(default="", description="Values of acr that stand for two factors, with spaces between.")
    oidc_amr: str = Field(default="mfa", description="Values of amr that stand for two factors, with spaces between.")

    @property
    def secrets(self) -> Path:
        """Where passwords of the database's roles and digests of tokens lie."""
        return self.data / "secrets"

    @property
    def reached_from_outside(self) -> bool:
        """Whether others than this machine reach the program, by itself or through what stands before it."""
        return self.host not in LOOPBACK or bool(self.public_url)

    @property
    def signer_folder(self) -> Path:
        """Where the signer's keys and monotone store lie: beside the data folder, outside its backup."""
        return self.signer_dir or self.data.with_name(self.data.name + ".signer")
