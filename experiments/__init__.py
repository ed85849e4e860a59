"""Experiments as files: runs that a file lists are trained one by one, and their CSVs compared."""
