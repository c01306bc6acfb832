"""The verbs of messages: sending them, the outbox of what was sent, and who gets nothing."""
