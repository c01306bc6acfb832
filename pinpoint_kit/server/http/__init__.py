"""HTTP as it arrives: heads, bodies, connections."""
