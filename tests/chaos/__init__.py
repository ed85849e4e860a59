"""Runs that are killed again and again; `python -m tests.chaos`, see __main__.py."""
