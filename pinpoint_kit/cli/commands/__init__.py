"""The commands, a file each. They never import each other."""
