"""`dagbok demo`: a fictional municipality with a year of life, made through the ordinary handlers."""

from tools.demo.clock import clock_for, present
from tools.demo.people import PEOPLE
from tools.demo.year import make

__all__ = ["PEOPLE", "clock_for", "make", "present"]
