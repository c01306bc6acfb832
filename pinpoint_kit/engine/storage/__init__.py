"""The database of the engine: connections, statements, tables, what databases differ in."""
