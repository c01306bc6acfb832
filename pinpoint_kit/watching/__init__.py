"""What others may watch a client with: Prometheus, OpenTelemetry. Counts and durations only."""
