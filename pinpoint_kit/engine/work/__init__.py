"""Long work in bounded steps: whose turn it is, and which process holds what. It knows no jobs."""
