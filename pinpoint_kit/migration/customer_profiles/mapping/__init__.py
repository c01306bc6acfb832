"""What goes where: from the members of endpoints to a profile, and the count of what does not."""
