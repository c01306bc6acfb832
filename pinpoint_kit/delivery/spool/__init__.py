"""The spool: recorded items on disk, and the dead letters."""
