"""What frameworks find by name: hook functions, methods of plain classes, subclasses that register themselves.

Decorators and overrides of base classes need no list (`index.entry_points`, `index.filelink`). These are conventions
that leave no trace in the code that follows them, each from its framework's own documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from semfora_hooks.languages.facts import ImportFacts


class Framework(NamedTuple):
    """The conventions of one framework. A name that ends with `*` stands for all that begin so.

    Attributes:
        packages: Top-level packages; a file that imports one follows the conventions.
        functions: Top-level functions that it calls.
        methods: Methods that it calls on classes without a base of its own.
        bases: Classes of its packages whose subclasses it finds, however deep, in whatever file.
        everywhere: The functions, too, in files that import nothing of it: their names mean nothing else.
    """

    packages: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset()
    everywhere: bool = False


def _framework(
    packages: str, *, functions: str = "", methods: str = "", bases: str = "", everywhere: bool = False
) -> Framework:
    names = (frozenset(text.split()) for text in (packages, functions, methods, bases))
    return Framework(next(names), next(names), next(names), next(names), everywhere)


FRAMEWORKS = {
    "airflow": _framework("airflow", bases="AirflowPlugin BaseOperatorLink"),
    "alembic": _framework("alembic", functions="upgrade downgrade run_migrations_offline run_migrations_online"),
    "ansible": _framework(
        "ansible ansible_collections",
        bases="ActionBase CacheModule BaseCacheModule CallbackBase CliconfBase ConnectionBase HttpApiBase "
        "BaseInventoryPlugin LookupBase NetconfBase ShellBase StrategyBase TerminalBase BaseVarsPlugin",
        methods="filters tests",
    ),
    "asgi": _framework(
        "aiohttp blacksheep bottle falcon fastapi flask litestar quart robyn sanic starlette",
        functions="application create_app create_application make_app",
    ),
    "aws-lambda": _framework("aws_lambda_powertools aws_xray_sdk", functions="handler lambda_handler"),
    "behave": _framework("behave", functions="before_* after_*"),
    "blender": _framework("bpy", functions="register unregister"),
    "celery": _framework("celery", bases="Task"),
    "discord": _framework("discord disnake nextcord", functions="setup teardown"),
    "django": _framework(
        "django appconf drf_spectacular haystack rest_framework",
        bases="AppConf AppConfig BaseCommand AppCommand LabelCommand Migration Model SearchIndex ModelSearchIndex "
        "OpenApiAuthenticationExtension OpenApiFilterExtension OpenApiSerializerExtension "
        "OpenApiSerializerFieldExtension OpenApiViewExtension",
        methods="db_for_read db_for_write allow_relation allow_migrate "  # database routers
        "process_request process_response process_view process_exception process_template_response "  # middleware
        "authenticate get_user has_perm has_module_perms get_user_permissions get_group_permissions "  # backends
        "get_all_permissions validate password_changed get_help_text",  # ... and of passwords
        functions="handler400 handler403 handler404 handler500",
    ),
    "doit": _framework("doit", functions="task_*"),
    "gunicorn": _framework(
        "gunicorn",
        functions="on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int worker_abort "
        "pre_exec pre_request post_request child_exit worker_exit nworkers_changed on_exit ssl_context",
    ),
    "homeassistant": _framework(
        "homeassistant",
        functions="setup setup_platform setup_scanner async_setup async_setup_* async_unload_entry async_remove_entry "
        "async_remove_config_entry_device async_migrate_entry async_get_* get_engine get_scanner get_service "
        "async_attach_trigger async_call_action_from_config async_condition_from_config async_describe_events "
        "async_describe_on_off_states async_register async_reproduce_states async_validate_* system_health_info",
        bases="ConfigFlow",
    ),
    "ipython": _framework(
        "IPython jupyter_server jupyterlab notebook",
        functions="load_ipython_extension unload_ipython_extension load_jupyter_server_extension "
        "_load_jupyter_server_extension _unload_jupyter_server_extension _jupyter_server_extension_points "
        "_jupyter_server_extension_paths _jupyter_labextension_paths _jupyter_nbextension_paths",
        everywhere=True,
    ),
    "kedro": _framework("kedro", functions="create_pipeline register_pipelines"),
    "locust": _framework("locust", bases="User HttpUser FastHttpUser LoadTestShape"),
    "mkdocs": _framework(
        "mkdocs mkdocs_macros",
        functions="define_env on_startup on_shutdown on_serve on_config on_pre_build on_files on_nav on_env "
        "on_post_build on_build_error on_pre_template on_template_context on_post_template on_pre_page "
        "on_page_* on_post_page",
    ),
    "mypy": _framework("mypy", functions="plugin"),
    "odoo": _framework(
        "odoo openerp", bases="Model AbstractModel TransientModel Controller", functions="post_init_hook pre_init_hook"
    ),
    "pep517": _framework(
        "setuptools hatchling flit_core poetry pdm",
        functions="build_wheel build_sdist build_editable get_requires_for_build_wheel get_requires_for_build_sdist "
        "get_requires_for_build_editable prepare_metadata_for_build_wheel prepare_metadata_for_build_editable",
        everywhere=True,
    ),
    "pylint": _framework("pylint astroid", functions="register load_configuration"),
    "pyramid": _framework("pyramid", functions="main includeme"),
    "pytest": _framework(
        "pytest _pytest",
        functions="pytest_* setup_module teardown_module setup_function teardown_function",
        methods="setup_method teardown_method setup_class teardown_class",
    ),
    "scrapy": _framework(
        "scrapy itemadapter",
        bases="Spider ScrapyCommand",
        methods="from_crawler from_settings open_spider close_spider process_item process_request process_response "
        "process_exception process_spider_input process_spider_output process_spider_output_async "
        "process_spider_exception process_start process_start_requests update_settings",
    ),
    "sphinx": _framework("sphinx docutils", functions="setup"),
    "sqlalchemy": _framework(
        "sqlalchemy flask_sqlalchemy sqlmodel",
        bases="DeclarativeBase DeclarativeBaseNoMeta MappedAsDataclass Model SQLModel declarative_base()",
    ),
    "sublime": _framework(
        "sublime sublime_plugin",
        functions="plugin_loaded plugin_unloaded",
        bases="ApplicationCommand WindowCommand TextCommand EventListener ViewEventListener TextChangeListener",
    ),
    "twisted": _framework("twisted", functions="makeService"),
    "unittest": _framework("unittest", functions="load_tests setUpModule tearDownModule", bases="TestCase"),
}
"""By the name that `frameworks` in the configuration takes: that makes its conventions hold in all files."""

_OF_PACKAGE: dict[str, list[str]] = {}
for _name, _item in FRAMEWORKS.items():
    for _package in _item.packages:
        _OF_PACKAGE.setdefault(_package, []).append(_name)
_EVERYWHERE = [item for item in FRAMEWORKS.values() if item.everywhere]


class Conventions(NamedTuple):
    """What the frameworks of a file call in it."""

    functions: frozenset[str]
    methods: frozenset[str]
    prefixes: tuple[str, ...]

    def has_function(self, name: str) -> bool:
        """Whether a top-level function of that name is called."""
        return name in self.functions or name.startswith(self.prefixes)


def conventions(imports: Iterable[ImportFacts], named: Iterable[str]) -> Conventions:
    """The conventions that hold in a file.

    Args:
        imports: What it imports.
        named: Names of frameworks whose conventions hold in every file.
    """
    found = set(named)
    for item in imports:
        if not item.level:
            found.update(_OF_PACKAGE.get(item.module.partition(".")[0], ()))
    return _together(frozenset(found))


@lru_cache(maxsize=200)
def _together(names: frozenset[str]) -> Conventions:
    chosen = [FRAMEWORKS[name] for name in names if name in FRAMEWORKS]  # of others, the engine complains
    functions = frozenset[str]().union(*(item.functions for item in (*chosen, *_EVERYWHERE)))
    prefixes = tuple(sorted(name[:-1] for name in functions if name.endswith("*")))
    return Conventions(functions, frozenset[str]().union(*(item.methods for item in chosen)), prefixes)


def finds_subclasses(base: str) -> bool:
    """Whether a framework finds the subclasses of a class by itself.

    Args:
        base: Its dotted name, from the top-level package; `declarative_base()` for what calling a function gives.
    """
    package, _, rest = base.partition(".")
    last = rest.rpartition(".")[2]
    return any(last in FRAMEWORKS[name].bases for name in _OF_PACKAGE.get(package, ()))
