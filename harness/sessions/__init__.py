"""One question made ready and executed: its locks, its probes, what they found, and what is still to be asked."""
