"""Messages: those that are sent directly, one-time passwords, and the outbox of all of them."""
