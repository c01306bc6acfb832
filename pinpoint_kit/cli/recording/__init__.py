"""What `record` reads: entries, positions, forms of lines."""
