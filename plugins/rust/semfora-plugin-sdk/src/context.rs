//! `SuggestContext`, version 1: what a plugin gets.
//!
//! The types follow `docs/schemas/context.v1.json`. What a context leaves out has its default: `false`, 0, empty or
//! `None`. Fields of a later contract are ignored; names that an enumeration does not know become its last variant.
//! Lines and columns are 1-based, ranges inclusive; paths are relative to the repository, with `/`.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::decode::{names, record};
use crate::graph::Graph;

/// The version of the contract that these types speak.
pub const CONTRACT_VERSION: u32 = 1;

/// A repository, or the part of it that the plugin's manifest asks for, as one document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuggestContext {
    /// Always `semfora.suggest_context`.
    pub schema: String,
    /// The version of the contract.
    pub version: u32,
    /// Who wrote the document.
    pub generator: Generator,
    /// What it is about.
    pub repository: Repository,
    /// What the run is about: everything, or a change.
    pub scope: Scope,
    /// The manifest's `config`. See [`SuggestContext::option`].
    pub config: Map<String, Value>,
    /// By file and position.
    pub symbols: Vec<Symbol>,
    /// By caller, then line.
    pub calls: Vec<CallEdge>,
    /// By name.
    pub modules: Vec<Module>,
    /// Groups of symbols that repeat each other.
    pub duplicates: Vec<Duplicate>,
}

record!(SuggestContext {
    schema: "schema",
    version: "version",
    generator: "generator",
    repository: "repository",
    scope: "scope",
    config: "config",
    symbols: "symbols",
    calls: "calls",
    modules: "modules",
    duplicates: "duplicates",
});

impl Default for SuggestContext {
    fn default() -> Self {
        SuggestContext {
            schema: "semfora.suggest_context".to_string(),
            version: CONTRACT_VERSION,
            generator: Generator::default(),
            repository: Repository::default(),
            scope: Scope::default(),
            config: Map::new(),
            symbols: Vec::new(),
            calls: Vec::new(),
            modules: Vec::new(),
            duplicates: Vec::new(),
        }
    }
}

impl SuggestContext {
    /// Reads a context document.
    ///
    /// # Errors
    ///
    /// The text is not JSON, a field has the wrong type, or the document is none of ours or of another version.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let context: SuggestContext =
            serde_json::from_slice(json).map_err(|error| format!("the context cannot be read: {}", error))?;
        if context.schema != "semfora.suggest_context" {
            return Err(format!("not a context document: its schema is '{}'", context.schema));
        }
        if context.version != CONTRACT_VERSION {
            let advice = if context.version > CONTRACT_VERSION { "update the plugin" } else { "upgrade semfora-hooks" };
            return Err(format!(
                "the context has contract version {}, this plugin speaks {}: {}",
                context.version, CONTRACT_VERSION, advice
            ));
        }
        Ok(context)
    }

    /// The option `name` of the manifest's `config`, or `None` where it is missing or `null`.
    ///
    /// # Errors
    ///
    /// It is there, but cannot be decoded as `T`; the text names the option.
    pub fn option<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, String> {
        match self.config.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| format!("config.{}: {}", name, error)),
        }
    }

    /// The whole of the manifest's `config` as `T`, which says by its own serde attributes what may be left out.
    ///
    /// # Errors
    ///
    /// It cannot be decoded as `T`.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(&Value::Object(self.config.clone())).map_err(|error| format!("config: {}", error))
    }

    /// Whether the writer of the context can tell what `capability` names, such as `control_flow`. Where it cannot,
    /// missing data say nothing: do not conclude from them.
    pub fn has_capability(&self, capability: &str) -> bool {
        self.generator.capabilities.iter().any(|name| name == capability)
    }

    /// Look-ups by id, module and call. Build it once: it indexes all symbols.
    pub fn graph(&self) -> Graph<'_> {
        Graph::new(self)
    }
}

/// Who wrote a context, and what its data can be trusted to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Generator {
    /// The program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What its data hold. See [`SuggestContext::has_capability`].
    pub capabilities: Vec<String>,
}

record!(Generator { name: "name", version: "version", capabilities: "capabilities" });

impl Default for Generator {
    fn default() -> Self {
        Generator { name: "semfora-hooks".to_string(), version: String::new(), capabilities: Vec::new() }
    }
}

/// The analysed repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Repository {
    /// Its folder's name.
    pub name: String,
    /// The commit, where there is one.
    pub head: Option<String>,
}

record!(Repository { name: "name", head: "head" });

/// What the run is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scope {
    /// Everything, or which kind of change.
    pub kind: ScopeKind,
    /// The revision that the change is compared with.
    pub base_ref: Option<String>,
    /// The files of the change.
    pub files: Vec<ChangedFile>,
    /// Ids of the symbols that the change touches.
    pub symbols: Vec<String>,
}

record!(Scope { kind: "kind", base_ref: "base_ref", files: "files", symbols: "symbols" });

/// What a run is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The whole repository.
    #[default]
    Repo,
    /// What is staged for the next commit.
    Staged,
    /// What differs between two revisions.
    Range,
    /// Files that the user named.
    Files,
    /// Something this SDK does not know.
    Other,
}

names!(ScopeKind {
    Repo: "repo",
    Staged: "staged",
    Range: "range",
    Files: "files",
} else Other);

/// A file of the change.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChangedFile {
    /// Where it is now, or was if it is deleted.
    pub path: String,
    /// Where a renamed file was.
    pub old_path: Option<String>,
    /// What happened to it.
    pub change: ChangeKind,
    /// Ranges of lines on the new side.
    pub lines: Vec<(u32, u32)>,
}

record!(ChangedFile { path: "path", old_path: "old_path", change: "change", lines: "lines" });

/// What happened to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content differs.
    #[default]
    Modified,
    /// It is gone.
    Deleted,
    /// It has another path.
    Renamed,
    /// Something this SDK does not know.
    Other,
}

names!(ChangeKind {
    Added: "added",
    Modified: "modified",
    Deleted: "deleted",
    Renamed: "renamed",
} else Other);

/// A named piece of code.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Symbol {
    /// Unique; the same on every machine, and after edits to the body.
    pub id: String,
    /// The bare name.
    pub name: String,
    /// With module and enclosing definitions: `api.loader.Loader.load`.
    pub qualified_name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The dotted name of its module.
    pub module: String,
    /// Its file.
    pub file: String,
    /// First line of the definition.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// Column of the definition.
    pub start_column: u32,
    /// Its programming language, in lower case.
    pub language: String,
    /// The id of the symbol it is defined in.
    pub parent: Option<String>,
    /// Others may use it.
    pub is_exported: bool,
    /// It is asynchronous.
    pub is_async: bool,
    /// It is a test, or stands in one.
    pub is_test: bool,
    /// A program wrote its file.
    pub is_generated: bool,
    /// It declares only, such as in a `.pyi` file.
    pub is_stub: bool,
    /// Decorators, as written, without the `@`.
    pub decorators: Vec<String>,
    /// Base classes, as written.
    pub base_classes: Vec<String>,
    /// The return type, as written.
    pub return_type: Option<String>,
    /// The parameters of a function.
    pub arguments: Vec<Argument>,
    /// How often each construct stands in its body.
    pub control_flow: ControlFlow,
    /// Numbers about it.
    pub metrics: Metrics,
    /// How it is reached from outside, such as `web_route`; `none` where it is not.
    pub entry_point: String,
    /// Whether anything reaches it.
    pub reachability: Reachability,
    /// Run-time type tests it makes.
    pub type_checks: Vec<TypeCheck>,
    /// Whether it can return `None`; `None` where that is not known.
    pub returns_none: Option<bool>,
}

record!(Symbol {
    id: "id",
    name: "name",
    qualified_name: "qualified_name",
    kind: "kind",
    module: "module",
    file: "file",
    start_line: "start_line",
    end_line: "end_line",
    start_column: "start_column",
    language: "language",
    parent: "parent",
    is_exported: "is_exported",
    is_async: "is_async",
    is_test: "is_test",
    is_generated: "is_generated",
    is_stub: "is_stub",
    decorators: "decorators",
    base_classes: "base_classes",
    return_type: "return_type",
    arguments: "arguments",
    control_flow: "control_flow",
    metrics: "metrics",
    entry_point: "entry_point",
    reachability: "reachability",
    type_checks: "type_checks",
    returns_none: "returns_none",
});

impl Symbol {
    /// A function `name` in `module`, with ids and paths as the host makes them. For tests.
    pub fn function(module: &str, name: &str) -> Self {
        Symbol {
            id: format!("{}:{}", module, name),
            name: name.to_string(),
            qualified_name: format!("{}.{}", module, name),
            kind: SymbolKind::Function,
            module: module.to_string(),
            file: format!("{}.py", module.replace('.', "/")),
            start_line: 1,
            end_line: 1,
            start_column: 1,
            language: "python".to_string(),
            entry_point: "none".to_string(),
            ..Symbol::default()
        }
    }
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum SymbolKind {
    Function,
    Component,
    Class,
    Method,
    Interface,
    Trait,
    Struct,
    Enum,
    Module,
    TypeAlias,
    Variable,
    /// Something this SDK does not know.
    #[default]
    Other,
}

names!(SymbolKind {
    Function: "function",
    Component: "component",
    Class: "class",
    Method: "method",
    Interface: "interface",
    Trait: "trait",
    Struct: "struct",
    Enum: "enum",
    Module: "module",
    TypeAlias: "type_alias",
    Variable: "variable",
} else Other);

impl SymbolKind {
    /// Whether symbols of this kind can be called: functions, methods, components.
    pub fn is_callable(self) -> bool {
        matches!(self, SymbolKind::Function | SymbolKind::Method | SymbolKind::Component)
    }
}

/// Whether anything reaches a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reachability {
    /// Something calls it.
    Called,
    /// Something mentions it.
    Referenced,
    /// It is reached from outside.
    EntryPoint,
    /// Nothing was found that reaches it.
    Unreferenced,
    /// Not known.
    #[default]
    Unknown,
}

names!(Reachability {
    Called: "called",
    Referenced: "referenced",
    EntryPoint: "entry_point",
    Unreferenced: "unreferenced",
    Unknown: "unknown",
} else Unknown);

/// One parameter of a function, as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// Its default.
    pub default: Option<String>,
    /// How it is given.
    pub kind: ArgumentKind,
}

record!(Argument { name: "name", type_: "type", default: "default", kind: "kind" });

/// How an argument is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentKind {
    /// By position or name.
    #[default]
    Positional,
    /// By position alone.
    PositionalOnly,
    /// By name alone.
    KeywordOnly,
    /// `*args`.
    VarPositional,
    /// `**kwargs`.
    VarKeyword,
    /// Something this SDK does not know.
    Other,
}

names!(ArgumentKind {
    Positional: "positional",
    PositionalOnly: "positional_only",
    KeywordOnly: "keyword_only",
    VarPositional: "var_positional",
    VarKeyword: "var_keyword",
} else Other);

/// How often each construct stands in a symbol's own body; nested definitions count for themselves.
///
/// Fields whose names are words of Rust end in `_`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct ControlFlow {
    #[serde(rename = "if")]
    pub if_: u32,
    pub elif: u32,
    #[serde(rename = "else")]
    pub else_: u32,
    #[serde(rename = "for")]
    pub for_: u32,
    #[serde(rename = "while")]
    pub while_: u32,
    /// Statements; `case` counts their branches.
    #[serde(rename = "match")]
    pub match_: u32,
    pub case: u32,
    #[serde(rename = "try")]
    pub try_: u32,
    pub except: u32,
    pub finally: u32,
    pub with: u32,
    pub raise: u32,
    #[serde(rename = "return")]
    pub return_: u32,
    #[serde(rename = "yield")]
    pub yield_: u32,
    #[serde(rename = "await")]
    pub await_: u32,
    pub ternary: u32,
    /// The operators `and` and `or`.
    pub boolean: u32,
    pub comprehension: u32,
    pub lambda: u32,
    pub assert: u32,
}

record!(ControlFlow {
    if_: "if",
    elif: "elif",
    else_: "else",
    for_: "for",
    while_: "while",
    match_: "match",
    case: "case",
    try_: "try",
    except: "except",
    finally: "finally",
    with: "with",
    raise: "raise",
    return_: "return",
    yield_: "yield",
    await_: "await",
    ternary: "ternary",
    boolean: "boolean",
    comprehension: "comprehension",
    lambda: "lambda",
    assert: "assert",
});

/// Numbers about one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    /// SonarSource's Cognitive Complexity (G. Ann Campbell, 2018), nested functions included.
    pub cognitive_complexity: u32,
    /// McCabe (1976), nested functions included.
    pub cyclomatic_complexity: u32,
    /// The deepest nesting of control-flow blocks.
    pub nesting_depth: u32,
    /// Lines of code, without blank, comment and docstring lines.
    pub loc: u32,
    /// Distinct symbols that call this one.
    pub fan_in: u32,
    /// Distinct symbols and external names that this one calls.
    pub fan_out: u32,
    /// Call sites that reach this symbol.
    pub callers_count: u32,
    /// Declared arguments, without a method's `self` or `cls`.
    pub argument_count: u32,
}

record!(Metrics {
    cognitive_complexity: "cognitive_complexity",
    cyclomatic_complexity: "cyclomatic_complexity",
    nesting_depth: "nesting_depth",
    loc: "loc",
    fan_in: "fan_in",
    fan_out: "fan_out",
    callers_count: "callers_count",
    argument_count: "argument_count",
});

/// The run-time type tests a function makes on one of its names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TypeCheck {
    /// The variable that is tested.
    pub name: String,
    /// The types it is tested against.
    pub types: Vec<String>,
    /// How many tests of one chain of conditions test it.
    pub branches: u32,
    /// The function starts by raising unless the name is an instance of `types`.
    pub guard: bool,
}

record!(TypeCheck { name: "name", types: "types", branches: "branches", guard: "guard" });

/// Calls from one symbol to one target: a symbol (`callee`) or a name outside the repository (`external`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CallEdge {
    /// The id of the calling symbol.
    pub caller: String,
    /// The id of the called symbol.
    pub callee: Option<String>,
    /// The name that is called, where it is not a symbol of the repository.
    pub external: Option<String>,
    /// How many call sites this edge stands for.
    pub count: u32,
    /// The line of the first one.
    pub line: u32,
    /// How far to trust `callee`.
    pub resolution: Resolution,
    /// The call stands inside a `try`.
    pub in_try: bool,
    /// The call is awaited.
    pub is_awaited: bool,
}

record!(CallEdge {
    caller: "caller",
    callee: "callee",
    external: "external",
    count: "count",
    line: "line",
    resolution: "resolution",
    in_try: "in_try",
    is_awaited: "is_awaited",
});

impl CallEdge {
    /// An exact call of `callee` by `caller`. For tests.
    pub fn exact(caller: &Symbol, callee: &Symbol, line: u32) -> Self {
        CallEdge {
            caller: caller.id.clone(),
            callee: Some(callee.id.clone()),
            count: 1,
            line,
            resolution: Resolution::Exact,
            ..CallEdge::default()
        }
    }
}

/// How far to trust the target of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Follows the language's scoping and imports.
    Exact,
    /// Follows annotations and constructor assignments.
    Inferred,
    /// The only symbol of that name; also anything this SDK does not know.
    #[default]
    Name,
}

names!(Resolution {
    Exact: "exact",
    Inferred: "inferred",
    Name: "name",
} else Name);

/// A module with its couplings inside the repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Module {
    /// Its dotted name.
    pub name: String,
    /// Its files.
    pub files: u32,
    /// Its symbols.
    pub symbols: u32,
    /// Its lines of code.
    pub loc: u32,
    /// The modules of the repository that it imports.
    pub imports: Vec<String>,
    /// The modules outside that it imports.
    pub external_imports: Vec<String>,
    /// Modules that import it.
    pub afferent_coupling: u32,
    /// Modules that it imports.
    pub efferent_coupling: u32,
    /// Robert C. Martin's Ce / (Ca + Ce); 0 where both are 0.
    pub instability: f64,
}

record!(Module {
    name: "name",
    files: "files",
    symbols: "symbols",
    loc: "loc",
    imports: "imports",
    external_imports: "external_imports",
    afferent_coupling: "afferent_coupling",
    efferent_coupling: "efferent_coupling",
    instability: "instability",
});

/// Symbols that repeat each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Duplicate {
    /// Their ids, by file and line.
    pub symbols: Vec<String>,
    /// The lowest Jaccard similarity that holds the group together, 0 to 1.
    pub similarity: f64,
    /// How they repeat each other.
    pub kind: DuplicateKind,
    /// Length of the shortest one, in tokens.
    pub tokens: u32,
    /// They are equal to the letter, comments and layout apart.
    pub identical: bool,
}

record!(Duplicate {
    symbols: "symbols",
    similarity: "similarity",
    kind: "kind",
    tokens: "tokens",
    identical: "identical",
});

/// How symbols repeat each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKind {
    /// Equal but for local names and literals.
    Exact,
    /// Nearly equal.
    Near,
    /// The same name, drifted apart.
    Divergent,
    /// Something this SDK does not know.
    #[default]
    Other,
}

names!(DuplicateKind {
    Exact: "exact",
    Near: "near",
    Divergent: "divergent",
} else Other);
