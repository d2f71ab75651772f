"""From a located boundary to one script that stands alone: the job inlined, reduced, and executed on both sides."""
