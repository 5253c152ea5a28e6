"""The rule `layer-guard`, contexts to run it on, and the comparison every language's sample must pass."""
