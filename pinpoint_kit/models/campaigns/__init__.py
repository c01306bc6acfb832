"""Campaigns, what they say, and when they run."""
