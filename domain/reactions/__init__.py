"""What follows the log and answers a fact with a command."""
