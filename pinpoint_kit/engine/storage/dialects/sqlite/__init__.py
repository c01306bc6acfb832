"""SQLite: connections, locations, expressions, copies. Nothing else imports its parts."""
