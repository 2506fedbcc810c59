"""Every setting, in one class. The prefix is DAGBOK_; a data folder alone is enough to run."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one installation, read from the environment (DAGBOK_DATA and so on)."""

    model_config = SettingsConfigDict(env_prefix="DAGBOK_", extra="ignore")

    data: Path = Field(default=Path("data"), description="Data folder: embedded database, documents, secrets.")
    database: str | None = Field(default=None, description="PostgreSQL connection string (the owner's), not the embedded server.")
    signer_dir: Path | None = Field(
        default=None, description="The signer's keys and monotone store; default: the data folder's name + .signer."
    )
    tenant: str | None = Field(default=None, description="Which municipality a command speaks of; default: the only one.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8765, description="Port to listen on; where it is taken, the next free one.")
    language: str = Field(default="nb", description="Language of pages where the visitor has none: nb, nn, sv, en.")
    actor: str = Field(default="", description="Who acts on pages and REST until login exists; loopback only.")
    request_limit: int = Field(default=6 * 1024**3, description="Largest request, bytes.")
    file_limit: int = Field(default=5 * 1024**3, description="Largest file, bytes.")
    xml_limit: int = Field(default=16 * 1024**2, description="Largest XML message, bytes.")
    read_wait_ms: int = Field(default=300, description="How long a page waits for what its reader just wrote, milliseconds.")

    @property
    def signer_folder(self) -> Path:
        """Where the signer's keys and monotone store lie: beside the data folder, outside its backup."""
        return self.signer_dir or self.data.with_name(self.data.name + ".signer")
