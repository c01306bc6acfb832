"""Models from and to Pinpoint's JSON. No other file of the SDK spells wire names."""
