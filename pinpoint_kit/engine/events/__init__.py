"""Recorded events: checked, stored once."""
