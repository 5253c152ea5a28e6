"""What frameworks find by name: by a file's imports, by base classes, or where the configuration names them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from semfora_hooks.index.frameworks import FRAMEWORKS

from .helpers import build

DOCUMENTATION = Path(__file__).parents[2] / "docs/entry-points.md"


class Code(NamedTuple):
    """A file, what its framework finds in it, and which of that it also finds if the file imports nothing of it."""

    text: str
    found: str
    without_import: str = ""


CODE = {
    "airflow": Code("from airflow.plugins_manager import AirflowPlugin\nclass A(AirflowPlugin): ...\n", "A"),
    "alembic": Code(
        "from alembic import op\ndef upgrade(): ...\ndef downgrade(): ...\ndef f(): ...\n", "upgrade downgrade"
    ),
    "ansible": Code(
        "from ansible.errors import AnsibleError\nfrom ansible.plugins.lookup import LookupBase\n"
        "class LookupModule(LookupBase):\n    def run(self): ...\nclass FilterModule:\n    def filters(self): ...\n",
        "LookupModule LookupModule.run FilterModule.filters",
    ),
    "asgi": Code("import flask\ndef create_app(): ...\ndef create(): ...\n", "create_app"),
    "aws-lambda": Code("from aws_lambda_powertools import Logger\ndef handler(event, context): ...\n", "handler"),
    "behave": Code("import behave\ndef before_all(context): ...\ndef before(context): ...\n", "before_all"),
    "blender": Code("import bpy\ndef register(): ...\ndef unregister(): ...\n", "register unregister"),
    "celery": Code("import celery\nclass A(celery.Task):\n    def run(self): ...\n", "A A.run"),
    "discord": Code("from discord.ext import commands\nasync def setup(bot): ...\n", "setup"),
    "django": Code(
        "from django.db import models\nfrom django.apps import AppConfig\nfrom django.db.models import Manager\n"
        "class Book(models.Model):\n    class Meta: ...\nclass Shop(AppConfig): ...\nclass Books(Manager): ...\n"
        "class Router:\n    def db_for_read(self): ...\n    def other(self): ...\n",
        "Book Book.Meta Shop Router.db_for_read",
    ),
    "doit": Code("from doit import get_var\ndef task_build(): ...\ndef tasks(): ...\n", "task_build"),
    "gunicorn": Code("import gunicorn\ndef post_fork(server, worker): ...\n", "post_fork"),
    "homeassistant": Code(
        "from homeassistant.config_entries import ConfigFlow\nasync def async_setup_entry(hass): ...\n"
        "class Flow(ConfigFlow, domain='x'): ...\n",
        "async_setup_entry Flow",
    ),
    "ipython": Code(
        "def load_ipython_extension(shell): ...\ndef load(): ...\n", "load_ipython_extension", "load_ipython_extension"
    ),
    "kedro": Code("from kedro.pipeline import node\ndef create_pipeline(**options): ...\n", "create_pipeline"),
    "locust": Code("from locust import HttpUser as User\nclass Visitor(User): ...\n", "Visitor"),
    "mkdocs": Code("import mkdocs\ndef on_page_markdown(text): ...\ndef on_page(): ...\n", "on_page_markdown"),
    "mypy": Code("from mypy.plugin import Plugin\ndef plugin(version): ...\n", "plugin"),
    "odoo": Code("from odoo import models\nclass Order(models.Model): ...\n", "Order"),
    "pep517": Code("def build_wheel(folder): ...\ndef build(): ...\n", "build_wheel", "build_wheel"),
    "pylint": Code("from pylint.checkers import BaseChecker\ndef register(linter): ...\n", "register"),
    "pyramid": Code("import pyramid\ndef includeme(config): ...\n", "includeme"),
    "pytest": Code(
        "import pytest\ndef pytest_addoption(parser): ...\n"
        "def other(): ...\nclass A:\n    def setup_method(self): ...\n",
        "pytest_addoption A.setup_method",
    ),
    "scrapy": Code(
        "from scrapy.spiders import Spider\nclass Books(Spider): ...\nclass Pipeline:\n"
        "    def process_item(self): ...\n    def other(self): ...\n",
        "Books Pipeline.process_item",
    ),
    "sphinx": Code("import docutils\ndef setup(app): ...\n", "setup"),
    "sqlalchemy": Code(
        "from sqlalchemy.orm import declarative_base\nfrom flask_sqlalchemy import SQLAlchemy\n"
        "Base = declarative_base()\ndb = SQLAlchemy()\nclass A(Base): ...\nclass B(db.Model): ...\nclass C(B): ...\n"
        "class D(db.Other): ...\n",
        "A B C",
    ),
    "sublime": Code("import sublime_plugin\nclass Sort(sublime_plugin.TextCommand): ...\n", "Sort"),
    "twisted": Code("from twisted.application import service\ndef makeService(options): ...\n", "makeService"),
    "unittest": Code("import unittest\nclass A(unittest.TestCase): ...\ndef load_tests(): ...\n", "A load_tests"),
}


def found(text: str, *named: str, path: str = "code.py") -> set[str]:
    """What is called from outside, of a file."""
    index = build({path: text}, frameworks=named)
    return {
        symbol.qualified_name.partition(".")[2]
        for symbol in index.symbols
        if symbol.kind != "module" and symbol.entry_point == "framework"
    }


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_a_framework_finds(name: str) -> None:
    code = CODE[name]
    assert found(code.text) == set(code.found.split())


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_without_an_import_it_has_to_be_named(name: str) -> None:
    """Its functions and methods; base classes are known by where they come from."""
    code = CODE[name]
    text = re.sub(r"(?m)^(from|import) .*\n", "", code.text)
    text = re.sub(r"(?m)^(class \w+)\(.*\)", r"\1", text)
    assert found(text) == set(code.without_import.split())
    framework = FRAMEWORKS[name]
    prefixes = tuple(item[:-1] for item in framework.functions if item.endswith("*")) or (" ",)
    names = {item for item in code.found.split() if item.startswith(prefixes)}
    names |= {item for item in code.found.split() if item in framework.functions}
    names |= {item for item in code.found.split() if item.rpartition(".")[2] in framework.methods}
    assert found(text, name) == names


def test_a_base_class_is_followed_through_the_repository() -> None:
    index = build(
        {
            "shop/base.py": "from django.db import models\n\nclass Named(models.Model): ...\nclass Plain: ...\n",
            "shop/models.py": "from shop.base import Named, Plain\n\nclass Book(Named): ...\nclass Shelf(Plain): ...\n",
            "blog/database.py": "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
            "blog/__init__.py": "from blog.database import db\n",
            "blog/models.py": "from . import db\n\nclass Post(db.Model): ...\nclass Tag(db.Model.other): ...\n",
        }
    )
    kinds = {symbol.name: symbol.entry_point for symbol in index.symbols}
    assert (kinds["Named"], kinds["Book"], kinds["Post"]) == ("framework", "framework", "framework")
    assert (kinds["Plain"], kinds["Shelf"], kinds["Tag"]) == ("none", "none", "none")


def test_names_that_lead_in_circles_end() -> None:
    files = {
        "a.py": "from b import db\n\nclass A(db.Model): ...\n",
        "b.py": "from a import db\n",
        "c.py": "db = db()\n\nclass C(db.Model, C): ...\nclass D(E): ...\nclass E(D): ...\n",
    }
    kinds = {symbol.name: symbol.entry_point for symbol in build(files).symbols}
    assert (kinds["A"], kinds["C"], kinds["D"]) == ("none", "none", "none")


def test_conventions_are_for_functions_at_the_top_and_methods_only() -> None:
    text = (
        "import alembic, scrapy\n\ndef f():\n    def upgrade(): ...\n"
        "class A:\n    def downgrade(self): ...\ndef process_item(): ...\n"
    )
    assert found(text) == set()
    assert found("from .alembic import op\ndef upgrade(): ...\n") == set()  # the repository's own


def test_test_files_follow_the_conventions_of_test_runners() -> None:
    text = "def pytest_configure(): ...\ndef setUpModule(): ...\ndef upgrade(): ...\n"
    assert found(text, path="test_helper.py") == {"pytest_configure", "setUpModule"}
    assert found(text) == set()


def test_the_documentation_names_each_framework() -> None:
    rows = re.findall(r"(?m)^\| `([\w-]+)` \| (.*?) \|", DOCUMENTATION.read_text("utf-8"))
    assert [name for name, _ in rows] == list(FRAMEWORKS)
    for name, packages in rows:
        assert set(re.findall(r"`(\w+)`", packages)) == FRAMEWORKS[name].packages
