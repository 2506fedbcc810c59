"""The rules as pure functions: facts, commands, `decide` and `evolve`, one noun a file. Standard library only."""
