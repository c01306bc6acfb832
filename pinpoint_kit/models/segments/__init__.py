"""Segments as values: dimensions, groups, conditions."""
