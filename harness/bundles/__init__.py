"""A whole question in one file: scenario, locks and wheels, for a machine without a network."""
