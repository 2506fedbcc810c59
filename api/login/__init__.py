"""Logging in: sessions on the server, local accounts with two factors, and OpenID Connect (ASVS 5.0, chapters 6, 7 and 10)."""
