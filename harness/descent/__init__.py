"""From a located boundary to the change in it: the hunks between both releases, and which of them do it."""
