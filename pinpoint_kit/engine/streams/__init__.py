"""Event streams: where an application's events go on to."""
