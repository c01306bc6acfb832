"""What happens when campaigns run: steps of the worker, who is sent what, hooks, transports."""
