"""Which of the packages that differ between a good and a bad environment makes a job fail."""
