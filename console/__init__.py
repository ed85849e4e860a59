"""What a user sees of a program: quiet libraries, and errors in one line."""
