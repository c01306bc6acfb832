"""An app of the server in a process of its own: what it computes holds up no request of the API."""
