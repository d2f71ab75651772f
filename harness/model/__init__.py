"""What is asked and what is found, as plain values: this package imports nothing else of the harness."""
