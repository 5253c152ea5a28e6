"""Python."""

from semfora_hooks.languages.python.spec import PythonSpec

SPEC = PythonSpec()
