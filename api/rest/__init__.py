"""REST: `/api/v1`, OpenAPI 3.1. Problems are `application/problem+json`; changes carry If-Match; lists are read by cursor."""
