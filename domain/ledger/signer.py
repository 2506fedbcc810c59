"""Checkpoint signer."""
from domain.ledger.monotone import ensure_key as ensure_key
