"""Take people out again: erasure and anonymous events. It stands above what it empties."""
