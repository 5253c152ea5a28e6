"""The rule keeps what its examples promise, and says what a user needs to know."""

from __future__ import annotations

import subprocess
import sys

import pytest
from semfora_provider_example import semfora_rule_providers
from semfora_provider_example.rules import BlockingCall

from semfora_hooks import Config, Example, SemforaError
from semfora_hooks.testing import RuleTester, check_example, run_rule

CHAIN = """\
import time


def pause():
    time.sleep(1)


def retry(call):
    pause()
    return call()


async def handler(request):
    return retry(request)
"""


@pytest.mark.parametrize("example", BlockingCall.examples, ids=lambda example: example.note)
def test_example(example: Example) -> None:
    check_example(BlockingCall(), example)


def test_all_examples_at_once() -> None:
    RuleTester().check(BlockingCall())


def test_the_way_is_shown() -> None:
    (found,) = run_rule(BlockingCall(), {"app.py": CHAIN})
    assert found.title == "`handler` blocks the event loop: it reaches `time.sleep` through `retry` and `pause`"
    assert [(item.text, item.line) for item in found.evidence] == [
        ("app.handler calls app.retry", 14),
        ("app.retry calls app.pause", 9),
        ("app.pause calls time.sleep", 5),
    ]
    assert [(symbol.name, symbol.start_line) for symbol in found.symbols] == [
        ("handler", 13),
        ("retry", 8),
        ("pause", 4),
    ]
    assert found.confidence == 0.85


def test_options() -> None:
    assert run_rule(BlockingCall(), {"app.py": CHAIN}, {"max-steps": 1}) == []
    assert run_rule(BlockingCall(), {"app.py": CHAIN}, {"blocking": ["requests.*"]}) == []
    config = Config(rules={BlockingCall.id: {"max-stepz": 1}})
    with pytest.raises(SemforaError, match="max-stepz"):
        BlockingCall.configured(config)


def test_declaring_imports_no_rules() -> None:
    (provider,) = semfora_rule_providers()
    assert provider.name == "asyncio-example"
    code = (
        "import sys, semfora_provider_example as example\n"
        "example.semfora_rule_providers()\n"
        "print('semfora_provider_example.rules' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
