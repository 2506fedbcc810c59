"""The read side: one module for each question that a page or a message asks."""
