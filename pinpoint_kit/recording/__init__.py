"""The verbs of the analytics API: events, sessions, sign-in events, purchases."""
