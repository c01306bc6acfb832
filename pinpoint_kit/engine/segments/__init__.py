"""Segments: definitions, rules, their SQL and their members."""
