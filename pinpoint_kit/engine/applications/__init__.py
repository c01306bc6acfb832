"""Applications, their settings and tags: the family that owns all others."""
