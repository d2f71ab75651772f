"""What probes recorded, read and compared."""
