"""What jobs read and write: files of this machine, and objects."""
