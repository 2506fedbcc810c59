"""Command -> load -> gate -> decide -> append. The only writers of the ledger."""
