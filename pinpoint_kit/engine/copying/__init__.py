"""Copying everything of one store into another, empty one, whatever their databases are."""
