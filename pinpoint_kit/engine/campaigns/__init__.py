"""Campaigns: what is stored of them, when they run, and whom a run sends what."""
