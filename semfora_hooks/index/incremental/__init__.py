"""Answering for a change from what is known of the repository before it.

A `State` is one commit's linked index in the user's cache: each file's link, what it depends on, and inverted tables
of names, calls, imports and copies. A `View` is another snapshot, told as the files that differ. `difference` finds
what else that reaches, and `slices` makes that part of an index for rules to judge.
"""
