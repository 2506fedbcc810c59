"""The municipality of these tests."""

from tests.login.town import town

__all__ = ["town"]
