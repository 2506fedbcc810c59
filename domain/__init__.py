"""The write side: what may happen (model), how it is kept (ledger), and who asks for it (handlers)."""
