"""Where probes are executed: on this machine, or on the workers of a dask cluster."""
