"""Records what readings say: endpoint ids, devices, sessions, files."""
