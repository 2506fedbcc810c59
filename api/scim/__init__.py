"""SCIM 2.0 for the identity system (RFC 7643, RFC 7644): what it says becomes orders and requests, never rights by itself."""
