"""One question is asked and answered: releases, locks, environments, probes, verdicts, report."""
