"""PostgreSQL: connections, locks, expressions, faults. Nothing else imports its parts."""
