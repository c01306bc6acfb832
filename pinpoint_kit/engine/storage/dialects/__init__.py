"""What databases differ in. No other room of the engine names a database."""
