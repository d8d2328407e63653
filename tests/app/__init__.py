"""The app, from its entry point."""
