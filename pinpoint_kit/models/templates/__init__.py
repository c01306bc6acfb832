"""Templates of messages; each file says what is in it."""
