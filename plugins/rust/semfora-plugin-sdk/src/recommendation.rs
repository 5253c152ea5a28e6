//! `Recommendation`, version 1: what a plugin returns.
//!
//! The types follow `docs/schemas/recommendation.v1.json`. Only a title is required; what is left out the host fills in
//! from the plugin's manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::context::Symbol;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Should be looked at.
    Warning,
    /// Must not stay.
    Error,
}

/// What a finding is about. As text: the name in `snake_case`, or `custom:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Category {
    CombineFunctions,
    Naming,
    Complexity,
    DeadCode,
    ModuleOrganization,
    TypeNarrowing,
    /// Another one, without its `custom:`; letters, digits, `_`, `.`, `/` and `-`.
    Custom(String),
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "combine_functions" => Category::CombineFunctions,
            "naming" => Category::Naming,
            "complexity" => Category::Complexity,
            "dead_code" => Category::DeadCode,
            "module_organization" => Category::ModuleOrganization,
            "type_narrowing" => Category::TypeNarrowing,
            other => Category::Custom(other.strip_prefix("custom:").unwrap_or(other).to_string()),
        })
    }
}

/// One finding.
///
/// ```
/// use semfora_plugin_sdk::{Category, Evidence, Recommendation, Severity, Symbol};
///
/// let save = Symbol::function("db.store", "save");
/// let found = Recommendation::new("`save` does too much")
///     .with_category(Category::Complexity)
///     .with_severity(Severity::Warning)
///     .with_confidence(0.8)
///     .about(&save)
///     .with_suggestion("Split it.")
///     .with_evidence(Evidence::new("metric", "cognitive complexity 31, limit 15"))
///     .with_metric("cognitive_complexity", 31.0);
/// assert_eq!(found.symbols[0].id, "db.store:save");
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Recommendation {
    /// Stable within a run; where it is empty the host makes `<rule_id>:<symbol id or discriminator>`.
    pub id: String,
    /// The host fills it in.
    pub rule_id: String,
    /// The manifest's group where it is empty.
    pub group: String,
    /// The one the manifest's group implies where it is `None`.
    pub category: Option<Category>,
    /// The manifest's where it is `None`.
    pub severity: Option<Severity>,
    /// 0.0 to 1.0, derived from the evidence.
    pub confidence: f64,
    /// One line.
    pub title: String,
    /// Why, with the evidence.
    pub description: String,
    /// The first is where it is reported; empty for a finding about the whole repository.
    pub symbols: Vec<SymbolRef>,
    /// What to do.
    pub suggestion: Option<String>,
    /// The facts it rests on.
    pub evidence: Vec<Evidence>,
    /// Name to number; an increase makes a known finding *worsened*.
    pub metrics: BTreeMap<String, f64>,
    /// Tells apart findings of one rule on one symbol: no line numbers or metric values here.
    pub discriminator: String,
    /// The finding's identity across edits. The host fills it in, whatever stands here.
    pub fingerprint: String,
}

impl Default for Recommendation {
    fn default() -> Self {
        Recommendation::new("")
    }
}

impl Recommendation {
    /// A finding with this title, the confidence 1, and nothing else.
    pub fn new(title: impl Into<String>) -> Self {
        Recommendation {
            id: String::new(),
            rule_id: String::new(),
            group: String::new(),
            category: None,
            severity: None,
            confidence: 1.0,
            title: title.into(),
            description: String::new(),
            symbols: Vec::new(),
            suggestion: None,
            evidence: Vec::new(),
            metrics: BTreeMap::new(),
            discriminator: String::new(),
            fingerprint: String::new(),
        }
    }

    /// Sets the id.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Sets the category.
    pub fn with_category(mut self, category: Category) -> Self {
        self.category = Some(category);
        self
    }

    /// Sets the severity.
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Sets the confidence, 0.0 to 1.0.
    pub fn with_confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// Sets the description.
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a symbol it points to; the first one is where it is reported.
    pub fn about(mut self, symbol: &Symbol) -> Self {
        self.symbols.push(symbol.into());
        self
    }

    /// Sets what to do.
    pub fn with_suggestion(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds a fact it rests on.
    pub fn with_evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Adds a number; an increase makes a known finding *worsened*.
    pub fn with_metric(mut self, name: impl Into<String>, value: f64) -> Self {
        self.metrics.insert(name.into(), value);
        self
    }

    /// Sets what tells it apart from the rule's other findings on the same symbol.
    pub fn with_discriminator(mut self, discriminator: impl Into<String>) -> Self {
        self.discriminator = discriminator.into();
        self
    }
}

/// Where a recommendation points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct SymbolRef {
    pub id: String,
    pub name: String,
    pub file: String,
    pub module: String,
    pub start_line: u32,
    pub end_line: u32,
    pub start_column: u32,
}

impl From<&Symbol> for SymbolRef {
    fn from(symbol: &Symbol) -> Self {
        SymbolRef {
            id: symbol.id.clone(),
            name: symbol.name.clone(),
            file: symbol.file.clone(),
            module: symbol.module.clone(),
            start_line: symbol.start_line,
            end_line: symbol.end_line,
            start_column: symbol.start_column,
        }
    }
}

/// One fact behind a recommendation: a metric and its limit, a call path, a counter-indication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// One word, such as `call` or `metric`.
    pub kind: String,
    /// What it is.
    pub text: String,
    /// The id of the symbol it is about.
    pub symbol: Option<String>,
    /// The file where it can be seen.
    pub file: Option<String>,
    /// The line where it can be seen.
    pub line: Option<u32>,
}

impl Evidence {
    /// A fact in words.
    pub fn new(kind: impl Into<String>, text: impl Into<String>) -> Self {
        Evidence { kind: kind.into(), text: text.into(), ..Evidence::default() }
    }

    /// Sets the symbol it is about.
    pub fn with_symbol(mut self, id: impl Into<String>) -> Self {
        self.symbol = Some(id.into());
        self
    }

    /// Sets the place where it can be seen.
    pub fn at(mut self, file: impl Into<String>, line: u32) -> Self {
        self.file = Some(file.into());
        self.line = Some(line);
        self
    }
}
