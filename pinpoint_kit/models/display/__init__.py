"""How values show in notebooks and tables."""
