"""The verbs of messages: sending them, and the outbox of what was sent."""
