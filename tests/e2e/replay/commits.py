"""The commits, and by hand what a reviewer who knows the rules says of each.

The numbers of cognitive complexity are counted by hand, too, as SonarSource's paper defines them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from replay.tree import Tree

SOURCE = "src/flask"
SCAFFOLD = f"{SOURCE}/sansio/scaffold.py"
CONTEXT_PROCESSOR = f"{SOURCE}/templating.py::_default_template_ctx_processor"
DIGEST = f"{SOURCE}/sessions.py::_client_digest"
FROM_ENVIRONMENT = f"{SOURCE}/config.py::Config.from_prefixed_env"
ENDPOINT = f"{SCAFFOLD}::_endpoint_from_view_func"
ANCESTOR = f"{SOURCE}/cli.py::_path_is_ancestor"
COPIES = (f"{SOURCE}/app.py::_describe_loader", f"{SOURCE}/explain.py::_dump_loader_info")
CIRCLE = (f"{SOURCE}/logging.py", f"{SOURCE}/sansio/app.py")


@dataclass(frozen=True)
class Line:
    """A line of a file, on one side of a commit, by what stands in it."""

    side: Literal["before", "after"]
    path: str
    text: str


@dataclass(frozen=True)
class Finding:
    """What a commit does, as a reviewer says it.

    Attributes:
        status: `introduced`, `worsened` or `fixed`.
        rule: The rule.
        symbols: Ids of all symbols it is about, sorted.
        cause: What brought it about; `{}` is the place that `line` gives. Empty where the commit says it all.
        line: See `cause`.
    """

    status: Literal["introduced", "worsened", "fixed"]
    rule: str
    symbols: tuple[str, ...]
    cause: str = ""
    line: Line | None = None


@dataclass(frozen=True)
class Commit:
    """A commit of a real team.

    Attributes:
        subject: Its first line; a name for it, too.
        edit: What it changes.
        findings: What it does.
        branch: The branch it is on.
        merges: The branch that it merges.
        is_code: It touches what we analyse.
        brought: What a merge brings along from that branch: no news to the hook, which judged it in the branch's own
            commit, but part of what a range is asked about.
    """

    subject: str
    edit: Callable[[Tree], None] = lambda tree: None
    findings: tuple[Finding, ...] = ()
    branch: str = "main"
    merges: str | None = None
    is_code: bool = True
    brought: tuple[Finding, ...] = ()


# ----------------------------------------------------------------------------------------- helpers, and their callers


def read_flags_in_one_place(tree: Tree) -> None:
    path = f"{SOURCE}/helpers.py"
    tree.before(
        path,
        "def get_debug_flag() -> bool:\n",
        '''def _env_flag(name: str, default: bool) -> bool:
    """Whether a variable of the environment is set to anything but a no."""
    value = os.environ.get(name)
    if not value:
        return default
    return value.lower() not in {"0", "false", "no"}


''',
    )
    tree.replace(
        path,
        '    val = os.environ.get("FLASK_DEBUG")\n    return bool(val and val.lower() not in {"0", "false", "no"})\n',
        '    return _env_flag("FLASK_DEBUG", default=False)\n',
    )


def digest_clients(tree: Tree) -> None:
    tree.before(
        f"{SOURCE}/sessions.py",
        "class SecureCookieSessionInterface(SessionInterface):\n",
        '''def _client_digest(request: Request) -> str:
    """A short name for whatever sends the request."""
    agent = request.headers.get("User-Agent", "")
    return hashlib.sha256(agent.encode()).hexdigest()[:16]


''',
    )


def log_clients(tree: Tree) -> None:
    tree.write(
        f"{SOURCE}/audit.py",
        '''from __future__ import annotations

import logging
import typing as t

from .sessions import _client_digest

if t.TYPE_CHECKING:  # pragma: no cover
    from .wrappers import Request

logger = logging.getLogger("flask.audit")


def log_session(request: Request) -> None:
    """Write down which client opened a session."""
    client = _client_digest(request)
    logger.info("session of %s", client)
''',
    )


def delete_the_log(tree: Tree) -> None:
    tree.git("rm", "-q", f"{SOURCE}/audit.py")


def delete_the_digest(tree: Tree) -> None:
    path = f"{SOURCE}/sessions.py"
    part = tree.part(path, "def _client_digest", "class SecureCookieSessionInterface(")
    tree.replace(path, part, "")


def start_with_an_empty_context(tree: Tree) -> None:
    tree.replace(SCAFFOLD, "from ..templating import _default_template_ctx_processor\n", "")
    tree.replace(SCAFFOLD, "defaultdict(list, {None: [_default_template_ctx_processor]})", "defaultdict(list)")


def revert_the_empty_context(tree: Tree) -> None:
    tree.git("revert", "--no-commit", "HEAD")


# --------------------------------------------------------------------------------------------------- moves and renames


def rename_a_module(tree: Tree) -> None:
    tree.git("mv", f"{SOURCE}/debughelpers.py", f"{SOURCE}/explain.py")
    for path in ("app.py", "templating.py", "wrappers.py"):
        tree.replace(f"{SOURCE}/{path}", "from .debughelpers import", "from .explain import")
    tree.replace("tests/test_basic.py", "from flask.debughelpers import", "from flask.explain import")


def move_functions(tree: Tree) -> None:
    path = f"{SOURCE}/cli.py"
    moved = tree.part(path, "class NoAppException(", "def prepare_import(")
    tree.replace(path, moved, "")
    tree.replace(path, "import ast\n", "")
    tree.replace(path, "import inspect\n", "")
    tree.replace(path, "from types import ModuleType\n", "")
    tree.before(
        path,
        "from .globals import current_app\n",
        "from .appfinder import find_app_by_string\nfrom .appfinder import find_best_app\n"
        "from .appfinder import NoAppException\n",
    )
    header = """from __future__ import annotations

import ast
import inspect
import sys
import typing as t
from types import ModuleType

import click

if t.TYPE_CHECKING:
    from .app import Flask


"""
    tree.write(f"{SOURCE}/appfinder.py", header + moved.rstrip() + "\n")


def rename_a_function(tree: Tree) -> None:
    old, new = "explain_template_loading_attempts", "describe_template_search"
    tree.replace(f"{SOURCE}/explain.py", old, new)
    tree.replace(f"{SOURCE}/templating.py", old, new, times=2)


# ------------------------------------------------------------------------------------------------------------- copies


def copy_a_function(tree: Tree) -> None:
    original = tree.part(f"{SOURCE}/explain.py", "def _dump_loader_info(", "def explain_template_loading_attempts(")
    copy = original
    for old, new in (("_dump_loader_info", "_describe_loader"), ("key", "name"), ("item", "entry"), ("x", "part")):
        copy = re.sub(rf"\b{old}\b", new, copy)
    assert copy.count("_describe_loader") == 1
    path = f"{SOURCE}/app.py"
    tree.before(path, "class Flask(App):\n", copy)
    tree.before(path, "from werkzeug.datastructures import Headers\n", "from jinja2.loaders import BaseLoader\n")
    tree.before(
        path,
        "    def update_template_context(self",
        '''    def describe_templates(self) -> list[str]:
        """Where templates come from, for messages of errors."""
        loader = self.jinja_loader
        return [] if loader is None else list(_describe_loader(loader))

''',
    )


def merge_the_copies(tree: Tree) -> None:
    path = f"{SOURCE}/app.py"
    tree.replace(path, tree.part(path, "def _describe_loader(", "class Flask(App):"), "")
    tree.replace(path, "from jinja2.loaders import BaseLoader\n", "")
    tree.replace(path, "list(_describe_loader(loader))", "list(_dump_loader_info(loader))")
    tree.before(path, "from .globals import _cv_app\n", "from .explain import _dump_loader_info\n")


# --------------------------------------------------------------------------------------------------------- complexity


def choose_variables(tree: Tree) -> None:
    """Counts 1+2+2+2+2+3 before; a condition of two parts in the loop adds 2+1, one in `except` 3."""
    path = f"{SOURCE}/config.py"
    tree.replace(
        path,
        'self, prefix: str = "FLASK", *, loads: t.Callable[[str], t.Any] = json.loads\n    ) -> bool:',
        'self,\n        prefix: str = "FLASK",\n        *,\n        loads: t.Callable[[str], t.Any] = json.loads,\n'
        "        ignored: t.Container[str] = (),\n        strict: bool = False,\n    ) -> bool:",
    )
    tree.after(
        path,
        "            key = key.removeprefix(prefix)\n",
        "\n            if not key or key in ignored:\n                continue\n",
    )
    tree.replace(
        path,
        "            except Exception:\n                # Keep the value as a string if loading failed.\n"
        "                pass\n",
        "            except Exception:\n                # Keep the value as a string if loading failed.\n"
        "                if strict:\n                    raise\n",
    )


def refuse_unpacked_arguments(tree: Tree) -> None:
    """Adds a condition in a branch, so 2."""
    tree.after(
        f"{SOURCE}/appfinder.py",
        "        name = expr.func.id\n",
        """
        if any(kw.arg is None for kw in expr.keywords):
            raise NoAppException(f"Arguments must not be unpacked: {app_name!r}.")
""",
    )


def set_nested_keys_apart(tree: Tree) -> None:
    """Takes away a condition (2), a loop in the loop (2) and a condition in that (3)."""
    path = f"{SOURCE}/config.py"
    rest = tree.part(path, '            if "__" not in key:\n', "        return True\n\n    def from_pyfile(")
    tree.replace(path, rest, "            self._set_nested(key, value)\n\n")
    tree.before(
        path,
        "    def from_pyfile(\n",
        '''    def _set_nested(self, key: str, value: t.Any) -> None:
        """Set a key whose parts are separated by two underscores."""
        current = self
        *parts, tail = key.split("__")

        for part in parts:
            current = current.setdefault(part, {})

        current[tail] = value

''',
    )


# ------------------------------------------------------------------------------------------- annotations, and circles


def annotate_the_tutorial(tree: Tree) -> None:
    folder = "examples/tutorial/flaskr"
    tree.replace(f"{folder}/db.py", "def get_db():", "def get_db() -> sqlite3.Connection:")
    tree.replace(f"{folder}/db.py", "def close_db(e=None):", "def close_db(e: BaseException | None = None) -> None:")
    tree.replace(f"{folder}/db.py", "def init_db():", "def init_db() -> None:")
    tree.replace(f"{folder}/db.py", "def init_db_command():", "def init_db_command() -> None:")
    tree.replace(f"{folder}/db.py", "def init_app(app):", "def init_app(app: Flask) -> None:")
    tree.before(f"{folder}/db.py", "from flask import g\n", "from flask import Flask\n")
    tree.replace(
        f"{folder}/blog.py", "def get_post(id, check_author=True):", "def get_post(id: int, check_author: bool = True):"
    )
    tree.replace(f"{folder}/__init__.py", "    def hello():\n", "    def hello() -> str | None:\n")


def import_while_loading(tree: Tree) -> None:
    path = f"{SOURCE}/logging.py"
    tree.replace(
        path,
        "from .globals import request\n\nif t.TYPE_CHECKING:  # pragma: no cover\n    from .sansio.app import App\n",
        "from .globals import request\nfrom .sansio.app import App\n",
    )
    tree.before(
        path,
        "    logger = logging.getLogger(app.name)\n",
        '    if not isinstance(app, App):\n        raise TypeError("create_logger() takes an application")\n\n',
    )


def import_for_types_only(tree: Tree) -> None:
    path = f"{SOURCE}/logging.py"
    tree.replace(
        path,
        "from .globals import request\nfrom .sansio.app import App\n",
        "from .globals import request\n\nif t.TYPE_CHECKING:  # pragma: no cover\n    from .sansio.app import App\n",
    )
    tree.replace(
        path,
        '    if not isinstance(app, App):\n        raise TypeError("create_logger() takes an application")\n\n',
        "",
    )


# ----------------------------------------------------------------------------------------------------------- comments


def silence(tree: Tree) -> None:
    tree.before(
        f"{SOURCE}/cli.py",
        "def _path_is_ancestor(",
        "# semfora: ignore[dead-code] -- extensions import it; gone in 3.2\n",
    )


def use_what_is_silenced(tree: Tree) -> None:
    """One more part of a condition that has an `and` already: it is as hard to read as before."""
    tree.replace(
        f"{SOURCE}/cli.py",
        "    if path is not None and os.path.isfile(path):\n",
        "    if (\n        path is not None\n        and os.path.isfile(path)\n"
        "        and _path_is_ancestor(os.getcwd(), os.path.abspath(path))\n    ):\n",
    )


def delete_the_comment(tree: Tree) -> None:
    tree.replace(f"{SOURCE}/cli.py", "# semfora: ignore[dead-code] -- extensions import it; gone in 3.2\n", "")


# ------------------------------------------------------------------------------------------------------------- a merge


def name_rules_in_blueprints(tree: Tree) -> None:
    path = f"{SOURCE}/sansio/blueprints.py"
    tree.replace(path, "from .scaffold import _endpoint_from_view_func\n", "")
    tree.replace(path, "_endpoint_from_view_func(view_func)", "view_func.__name__")


def name_rules_in_applications(tree: Tree) -> None:
    path = f"{SOURCE}/sansio/app.py"
    tree.replace(path, "from .scaffold import _endpoint_from_view_func\n", "")
    tree.replace(path, "_endpoint_from_view_func(view_func)", "view_func.__name__")


def forget_a_helper(tree: Tree) -> None:
    tree.before(
        f"{SOURCE}/views.py",
        "class View:\n",
        "def _view_name(view: type[View]) -> str:\n    return view.__name__\n\n\n",
    )


def merge_names(tree: Tree) -> None:
    tree.git("merge", "-q", "--no-ff", "--no-commit", "names")


# --------------------------------------------------------------------------------------------- what is not about code


def write_the_changelog(tree: Tree) -> None:
    tree.before("CHANGES.rst", "Version 3.1.3\n", "Version 3.2.0\n-------------\n\nUnreleased\n\n\n")
    tree.replace("docs/logging.rst", "Logging\n=======\n", "Logging\n=======\n\n.. _logging:\n")


def format_anew(tree: Tree) -> None:
    """Other quotes, longer lines, and imports side by side: every file of the package."""
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--no-cache", "-q", "--line-length", "110"]
    subprocess.run([*ruff, "check", *options, "--select", "I", "--fix", SOURCE], cwd=tree.root, check=True, timeout=60)
    quotes = ["--config", 'format.quote-style = "single"']
    subprocess.run([*ruff, "format", *options, *quotes, SOURCE], cwd=tree.root, check=True, timeout=60)
    assert len(tree.git("diff", "--name-only").splitlines()) > 15


RULE = ".semfora/rules/environment.yaml"
RULE_ID = "environment-in-helpers"


def add_a_rule(tree: Tree) -> None:
    """Config.from_envvar and Flask.run break it already."""
    tree.write(
        RULE,
        f"""name: {RULE_ID}
description: The environment is read in `flask.helpers`, where tests can replace it.
match:
  kind: [function, method]
  file: "src/**"
  not: {{module: "flask.helpers"}}
condition: {{has_calls_to: os.environ.get}}
severity: warning
examples:
  - path: src/flask/config.py
    fires: |
      import os
      def debug():
          return os.environ.get("DEBUG")
  - path: src/flask/helpers.py
    silent: |
      import os
      def debug():
          return os.environ.get("DEBUG")
""",
    )


def break_the_rule(tree: Tree) -> None:
    path = f"{SOURCE}/sessions.py"
    tree.before(
        path,
        "    def get_cookie_domain(self",
        '''    def get_cookie_prefix(self, app: Flask) -> str:
        """What the cookie's name starts with."""
        return os.environ.get("FLASK_COOKIE_PREFIX", "") or app.name

''',
    )
    tree.before(path, "import typing as t\n", "import os\n")


def widen_the_rule(tree: Tree) -> None:
    """Now flask.helpers breaks it too, and all of it is an error: of code that nobody has touched."""
    tree.replace(RULE, '  not: {module: "flask.helpers"}\n', "")
    tree.replace(RULE, "severity: warning", "severity: error")
    tree.replace(RULE, "  - path: src/flask/helpers.py\n    silent: |", "  - path: src/flask/views.py\n    fires: |")


HISTORY = (
    Commit("Read flags of the environment in one place", read_flags_in_one_place),
    Commit(
        "Digests of clients",
        digest_clients,
        (Finding("introduced", "dead-code", (DIGEST,), "the change adds `_client_digest`"),),
    ),
    Commit(
        "Log the clients of sessions",
        log_clients,
        (
            Finding(
                "fixed",
                "dead-code",
                (DIGEST,),
                "adding the call at {} gave `_client_digest` a caller",
                Line("after", f"{SOURCE}/audit.py", "client = _client_digest(request)"),
            ),
        ),
    ),
    Commit(
        "Delete the log of sessions",
        delete_the_log,
        (
            Finding(
                "introduced",
                "dead-code",
                (DIGEST,),
                "removing the call at {} left `_client_digest` without callers",
                Line("before", f"{SOURCE}/audit.py", "client = _client_digest(request)"),
            ),
        ),
    ),
    Commit(
        "Delete digests of clients",
        delete_the_digest,
        (Finding("fixed", "dead-code", (DIGEST,), "the change removes `_client_digest`"),),
    ),
    Commit(
        "Start with an empty template context",
        start_with_an_empty_context,
        (
            Finding(
                "introduced",
                "dead-code",
                (CONTEXT_PROCESSOR,),
                "removing the import at {} left `_default_template_ctx_processor` unused",
                Line("before", SCAFFOLD, "import _default_template_ctx_processor"),
            ),
        ),
    ),
    Commit(
        'Revert "Start with an empty template context"',
        revert_the_empty_context,
        (
            Finding(
                "fixed",
                "dead-code",
                (CONTEXT_PROCESSOR,),
                "adding the import at {} put `_default_template_ctx_processor` to use",
                Line("after", SCAFFOLD, "import _default_template_ctx_processor"),
            ),
        ),
    ),
    Commit("Rename debughelpers to explain", rename_a_module),
    Commit("Move what finds applications to a module of its own", move_functions),
    Commit(
        "Applications can describe their templates",
        copy_a_function,
        (Finding("introduced", "combine-functions", COPIES, "the change adds `_describe_loader`"),),
    ),
    Commit(
        "Describe loaders in one place",
        merge_the_copies,
        (Finding("fixed", "combine-functions", COPIES, "the change removes `_describe_loader`"),),
    ),
    Commit(
        "Choose among variables of the environment",
        choose_variables,
        (Finding("introduced", "complexity", (FROM_ENVIRONMENT,), "cognitive complexity grew from 12 to 18"),),
    ),
    Commit(
        "Refuse unpacked arguments of factories",
        refuse_unpacked_arguments,
        (
            Finding(
                "worsened",
                "complexity",
                (f"{SOURCE}/appfinder.py::find_app_by_string",),
                "cognitive complexity grew from 17 to 19",
            ),
        ),
    ),
    Commit(
        "Set nested keys in a method of their own",
        set_nested_keys_apart,
        (Finding("fixed", "complexity", (FROM_ENVIRONMENT,), "cognitive complexity fell from 18 to 11"),),
    ),
    Commit(
        "Annotations for the tutorial",
        annotate_the_tutorial,
        (Finding("introduced", "type-narrowing", ("examples/tutorial/flaskr/__init__.py::create_app.hello",)),),
    ),
    Commit(
        "Loggers are for applications only",
        import_while_loading,
        (
            Finding(
                "introduced",
                "module-organization",
                CIRCLE,
                "the change adds the import at {}",
                Line("after", CIRCLE[0], "from .sansio.app import App"),
            ),
        ),
    ),
    Commit(
        "Loggers are for whatever has a name",
        import_for_types_only,
        (
            Finding(
                "fixed",
                "module-organization",
                CIRCLE,
                "the change removes the import at {}",
                Line("before", CIRCLE[0], "from .sansio.app import App"),
            ),
        ),
    ),
    Commit("Say why a helper stays", silence),
    Commit(
        "Files of variables are below the current folder",
        use_what_is_silenced,
        (Finding("introduced", "unused-suppression", (ANCESTOR,)),),
    ),
    Commit("Delete a comment", delete_the_comment, (Finding("fixed", "unused-suppression", (ANCESTOR,)),)),
    Commit("Name endpoints of applications after their functions", name_rules_in_applications, branch="names"),
    Commit(
        "Names of views",
        forget_a_helper,
        (Finding("introduced", "dead-code", (f"{SOURCE}/views.py::_view_name",), "the change adds `_view_name`"),),
        branch="names",
    ),
    Commit("Name endpoints of blueprints after their functions", name_rules_in_blueprints),
    Commit(
        "Merge branch 'names'",
        merge_names,
        (
            Finding(
                "introduced",
                "dead-code",
                (ENDPOINT,),
                "removing the call at {} left `_endpoint_from_view_func` without callers",
                Line("before", f"{SOURCE}/sansio/app.py", "= _endpoint_from_view_func(view_func)"),
            ),
        ),
        merges="names",
        brought=(
            Finding("introduced", "dead-code", (f"{SOURCE}/views.py::_view_name",), "the change adds `_view_name`"),
        ),
    ),
    Commit("Write the changelog", write_the_changelog, is_code=False),
    Commit("Another formatter", format_anew),
    Commit("Say what is described", rename_a_function),
    Commit("A rule about the environment", add_a_rule),
    Commit(
        "Prefixes of cookies",
        break_the_rule,
        (
            Finding(
                "introduced",
                RULE_ID,
                (f"{SOURCE}/sessions.py::SessionInterface.get_cookie_prefix",),
                "the change adds `SessionInterface.get_cookie_prefix`",
            ),
        ),
    ),
    Commit("The rule is for all of the package", widen_the_rule),
)
