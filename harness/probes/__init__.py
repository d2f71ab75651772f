"""A job is executed in an environment, and what it recorded is stored."""
