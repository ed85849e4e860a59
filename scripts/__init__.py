"""One command each: checks, and what the documents are made with."""
