"""Ways from Pinpoint to other services.

Each is a room of its own below this one. What it reads may be hostile: a line that cannot be read
is counted with its number, and stops nothing.
"""
