"""The I/O shell of the write side: recorder, followers, checkpoints, blobs, keys, embedded server, tenants."""
