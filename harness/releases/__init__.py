"""Which releases a package has, by the user's own index."""
