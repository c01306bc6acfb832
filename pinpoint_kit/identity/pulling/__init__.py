"""Asks providers' APIs for their logs: cursors, sources, and the loop between them."""
