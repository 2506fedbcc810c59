"""The pages: server-rendered, usable without JavaScript, in the reader's own language."""
