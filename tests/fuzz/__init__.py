"""Damaged and forged files for all that reads one; `python -m tests.fuzz`, see __main__.py."""
