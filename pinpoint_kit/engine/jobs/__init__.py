"""Import and export jobs: their rows, their pieces of work, their files."""
