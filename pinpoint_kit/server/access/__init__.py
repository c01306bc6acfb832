"""Who may send requests: keys, signatures, scopes."""
