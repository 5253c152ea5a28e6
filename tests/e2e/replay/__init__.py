"""A real project's history, replayed through the hook: the project, the commits, and what a reviewer says of each."""
