"""Projects for new plugins, made of the template and the SDK of a language.

Both are in `plugins/` of our own repository, which installations have as `templates/plugins`: what new projects start
with is what the tests build.
"""

from __future__ import annotations

import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

import semfora_hooks
from semfora_hooks.errors import UsageError

LANGUAGES: Mapping[str, str] = {
    "rust": "Rust",
    "assemblyscript": "AssemblyScript",
    "go": "Go",
    "python": "Python",
    "c": "C",
}
"""Language to what it is called."""

_SDK, _TEMPLATE = "semfora-plugin-sdk", "semfora-plugin-template"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_BUILT = shutil.ignore_patterns(
    *("target", "node_modules", "build", "zig-out", ".zig-cache", "*.wasm", "test-layer-guard"),
    *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
)
"""What compilers and other tools leave in a folder that is worked in."""
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
"""Names that Windows keeps for itself, with any ending."""
_TAKEN = frozenset(
    {
        *keyword.kwlist,
        *sys.stdlib_module_names,
        # Python: the SDK's package, and what componentize-py makes.
        *("semfora_plugin", "wit_world", "fixtures"),
        # Rust: words and crates.
        *("as", "const", "crate", "dyn", "enum", "extern", "fn", "impl", "let", "loop", "match", "mod", "move", "mut"),
        *("pub", "ref", "self", "static", "struct", "super", "trait", "type", "unsafe", "use", "where", "abstract"),
        *("become", "box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "yield"),
        *("alloc", "core", "proc_macro", "std", "test", "serde", "serde_json", "semfora_plugin_sdk", "build", "deps"),
        # Go and npm: names that mean something else to the tools. AssemblyScript: its compiler, and a file.
        *("cmd", "main", "go", "node_modules", "favicon_ico", "assemblyscript", "index"),
        # C: files of the SDK.
        *("abi", "graph", "json", "records", "semfora"),
    }
)
"""What no module, crate or file of a project can be called."""
_OWN_NAME = re.compile(r"semfora-plugin-template|[Ll]ayer-guard|layer_guard|[Ll]ayerGuard")
_PATH_TO_SDK = re.compile(rf"((?:\.\./)+){_SDK}")
_PLAIN_PATHS = (".md", ".json", ".toml")
"""Files in which a path to what stands beside them has no `./` in front."""


def write_project(name: str, language: str, into: Path) -> Path:
    """Write a project for a plugin: a rule that works, its tests, a manifest, a README, and the SDK.

    Args:
        name: The plugin's name; names of modules and crates are made of it.
        language: One of `LANGUAGES`.
        into: The folder in which the project's folder is made.

    Returns:
        The project's folder.

    Raises:
        UsageError: The name cannot be, something of that name is there already, or this installation has no template.
        OSError: The project cannot be written; then there is nothing of it.
    """
    _check_name(name)
    source = templates() / language
    if not (source / _TEMPLATE / "README.md").is_file():
        raise UsageError(f"this installation of semfora-hooks has no template for {LANGUAGES[language]}: {source}")
    project = into / name
    if project.exists() or project.is_symlink():
        raise UsageError(f"'{project}' exists already, and is not overwritten", hint="choose another name or --into")
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=into) as scratch:
        made = Path(scratch) / name
        shutil.copytree(source / _TEMPLATE, made, ignore=_BUILT)
        beside = sorted(file.name for file in source.iterdir() if file.is_file())
        for file in {*beside} - {"README.md", *_BUILT(str(source), beside)}:
            if not (made / file).exists():
                shutil.copy(source / file, made / file)
        _rename(made, name)
        if language == "rust":
            _make_workspace(source, made)
        shutil.copytree(source / _SDK, made / _SDK, ignore=_BUILT)
        made.rename(project)
    return project


def templates() -> Path:
    """The folder with a folder for each language: in an installation, else in the repository that holds the package."""
    package = Path(semfora_hooks.__file__).parent
    shipped = package / "templates" / "plugins"
    return shipped if shipped.is_dir() else package.parent / "plugins"


def first_steps(project: Path) -> list[str]:
    """The commands of a project's README that build and test it, without those that install a toolchain."""
    blocks = re.findall(r"^```console\n(.*?)^```$", (project / "README.md").read_text("utf-8"), re.M | re.S)
    commands = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    end = next((place for place, line in enumerate(commands, start=1) if "plugin test" in line), len(commands))
    return [line for line in commands[:end] if not line.startswith(("apt-get ", "pip "))]


def identifier(name: str) -> str:
    """A plugin's name as a module's, a crate's or a file's: small letters, digits and `_`, nothing that is taken."""
    word = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return f"plugin_{word}" if word[0].isdigit() or word in _TAKEN else word


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        hint = "letters, digits, '.', '_' and '-', at most 64, a letter or digit first and last"
        raise UsageError(f"{name!r} cannot be a plugin's name", hint=hint)
    if name.lower().partition(".")[0] in _DEVICES:
        raise UsageError(f"'{name}' cannot be a plugin's name: Windows has a device called so")


def _rename(project: Path, name: str) -> None:
    """Give a copied template its own name: in the names of files, and in what stands in them."""
    word = identifier(name)
    package = word.replace("_", "-")
    camel = "".join(part.title() for part in word.split("_"))
    names = {
        _TEMPLATE: package,
        "layer-guard": name,
        "Layer-guard": name[0].upper() + name[1:],
        "layer_guard": word,
        "layerGuard": camel[0].lower() + camel[1:],
        "LayerGuard": camel,
    }
    for path in sorted(project.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_file():
            text = _adapted(path.name, path.read_bytes().decode(), name, package)
            text = _OWN_NAME.sub(lambda found: names[found[0]], text)
            path.write_bytes(text.encode())
        new = _OWN_NAME.sub(lambda found: names[found[0]], path.name)
        if new != path.name:
            path.rename(path.with_name(new))


def _adapted(file: str, text: str, name: str, package: str) -> str:
    """A file of the template, with the paths it has in a project, and what must not be the plugin's name as it is."""
    if file == "README.md":
        text = re.sub(r"\A# layer-guard\b.*", "# layer-guard", text)
        text = re.sub(rf", \[`\.\./{_SDK}`\]\([^)]*\) beside it,", ",", text)
    start = "" if file.endswith(_PLAIN_PATHS) else "./"
    text = _PATH_TO_SDK.sub(lambda found: (found[1][3:] or start) + _SDK, text)
    if file == "README.md":
        text = re.sub(r"(?<![\w./])\.\./(?=\w)", "", text)
    elif file == ".gitignore":
        text = text.replace(f"{_TEMPLATE}/", "")
    elif file == "go.mod":
        text = text.replace("module layer-guard", f"module {package}")
    elif file in ("package.json", "package-lock.json"):
        text = text.replace('"name": "layer-guard"', f'"name": "{package}"')
    elif file == "manifest.yaml" and yaml.safe_load(name) != name:  # such as 1.5 or true
        text = text.replace("name: layer-guard", 'name: "layer-guard"')
    return text


def _make_workspace(source: Path, project: Path) -> None:
    """Make a Rust project's own package the root of its workspace, as `source` is of the template's."""
    workspace = (source / "Cargo.toml").read_text("utf-8").replace(f', "{_TEMPLATE}"', "")
    manifest = project / "Cargo.toml"
    manifest.write_text(f"{manifest.read_text('utf-8')}\n{workspace}", "utf-8")
    lock = project / "Cargo.lock"
    head, *packages = lock.read_text("utf-8").rstrip("\n").split("\n\n[[package]]\n")
    lock.write_text("\n\n[[package]]\n".join([head, *sorted(packages)]) + "\n", "utf-8")
