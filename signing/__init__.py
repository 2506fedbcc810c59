"""The three versions of a document and the signatures on them."""
