"""`frameworks` and `entry-points` in the configuration, as docs/entry-points.md shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome, Project

Run = Callable[..., Outcome]

PAGE = (Path(__file__).parents[2] / "docs/entry-points.md").read_text("utf-8")
FILES = {
    "shop/jobs.py": "def nightly(): ...\n\n\nclass Cleaner:\n    def run(self): return 1\n\n\nCleaner()\n",
    "shop/cloud.py": "def handler(event, context):\n    return event\n\n\ndef handle(event):\n    return event\n",
}


def dead(run: Run, *arguments: str) -> set[str]:
    outcome = run("suggest", "--rule", "dead-code", "--output-format", "json", *arguments)
    assert outcome.json["errors"] == []
    return {item["symbols"][0]["name"] for item in outcome.json["recommendations"]}


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(FILES).commit()
    return project


def test_the_configuration_of_the_page(shop: Project, run: Run) -> None:
    everything = {"run", "handler", "handle"}
    assert dead(run) == everything
    found = re.search(r"<!-- file: pyproject.toml -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    shop.write({"pyproject.toml": found[1]})
    assert dead(run) == {"handle"}  # nothing of the runs before is taken for this one's
    shop.write({"pyproject.toml": None})
    assert dead(run) == everything


def test_a_stored_index_of_other_frameworks_is_not_used(shop: Project, run: Run) -> None:
    """Each run about a change says the same as one that has no cache."""
    shop.write(
        {"shop/cloud.py": f"{FILES['shop/cloud.py']}\n\ndef lambda_handler(event, context):\n    return event\n"}
    )
    shop.git("add", "-A")
    for names, expected in ((None, {"lambda_handler"}), ("aws-lambda", set()), ("django", {"lambda_handler"})):
        if names is not None:
            shop.write({"semfora.toml": f'frameworks = ["{names}"]\n'})
        assert dead(run, "--staged") == dead(run, "--staged", "--no-cache") == expected


def test_an_import_brings_the_conventions(shop: Project, run: Run) -> None:
    """Staging the import alone changes how the file's functions are reached."""
    assert dead(run, "--staged") == set()
    shop.write({"shop/cloud.py": "from aws_lambda_powertools import Logger\n\n\n" + FILES["shop/cloud.py"]})
    shop.git("add", "-A")
    outcome = run("suggest", "--staged", "--rule", "dead-code", "--output-format", "json")
    assert [item["symbols"][0]["name"] for item in outcome.json["fixed"]] == ["handler"]


def test_a_base_class_elsewhere_brings_the_conventions(shop: Project, run: Run) -> None:
    """What a class inherits from changes in a file that the change touches, and the class stands in another."""
    base = "from django.db import models\n\n\nclass Base({}):\n    pass\n"
    shop.write(
        {
            "shop/base.py": base.format("models.Model"),
            "shop/models.py": "from shop.base import Base\n\n\nclass Book(Base): ...\n",
        }
    )
    shop.commit()
    assert dead(run, "--staged") == set()
    shop.write({"shop/base.py": base.format("models.Manager")})
    shop.git("add", "-A")
    assert dead(run, "--staged") == dead(run, "--staged", "--no-cache") == {"Book"}
