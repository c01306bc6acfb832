"""The verbs of the audience API: endpoints and users."""
