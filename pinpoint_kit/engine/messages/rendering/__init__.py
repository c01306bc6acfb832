"""What each channel makes of a message: its texts, its payload, its parts. Pure."""
