"""What lakes need of the store: events in the order of arrival, and whom to remove from files."""
