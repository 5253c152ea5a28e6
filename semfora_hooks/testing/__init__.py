"""Helpers for authors: run one rule on a few files, hold a rule to its examples, state an architecture as a test.

The pytest plugin offers them as the fixtures `semfora_rule_tester` and `semfora_arch`; nothing here needs pytest.
"""

from __future__ import annotations

from semfora_hooks.testing.analysis import Analysis
from semfora_hooks.testing.architecture import Architecture, Modules
from semfora_hooks.testing.rules import RuleTester, check_example, run_rule

__all__ = ["Analysis", "Architecture", "Modules", "RuleTester", "check_example", "run_rule"]
