"""The process and the operating system: what no other room may touch by itself."""
