"""Journeys: kept, checked and given back. They do not run."""
