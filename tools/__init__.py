"""What operators and auditors run."""
