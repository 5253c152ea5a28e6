//! `Recommendation`, version 1: what a plugin returns.
//!
//! The types follow `docs/schemas/recommendation.v1.json`. Only a title is required; what is left out the host fills in
//! from the plugin's manifest.

use std::collections::BTreeMap;

use serde::ser::{Error, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::context::Symbol;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
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

impl Category {
    fn text(&self) -> String {
        match self {
            Category::CombineFunctions => "combine_functions".to_string(),
            Category::Naming => "naming".to_string(),
            Category::Complexity => "complexity".to_string(),
            Category::DeadCode => "dead_code".to_string(),
            Category::ModuleOrganization => "module_organization".to_string(),
            Category::TypeNarrowing => "type_narrowing".to_string(),
            Category::Custom(name) => format!("custom:{}", name),
        }
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
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
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Recommendation {
    /// Stable within a run; where it is empty the host makes `<rule_id>:<symbol id or discriminator>`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The host fills it in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rule_id: String,
    /// The manifest's group where it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The one the manifest's group implies where it is `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The manifest's where it is `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// 0.0 to 1.0, derived from the evidence.
    #[serde(serialize_with = "finite")]
    pub confidence: f64,
    /// One line.
    pub title: String,
    /// Why, with the evidence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The first is where it is reported; empty for a finding about the whole repository.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<SymbolRef>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// The facts it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Name to number; an increase makes a known finding *worsened*.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "finite_values")]
    pub metrics: BTreeMap<String, f64>,
    /// Tells apart findings of one rule on one symbol: no line numbers or metric values here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub discriminator: String,
    /// The finding's identity across edits. The host fills it in, whatever stands here.
    #[serde(skip_serializing_if = "String::is_empty")]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct Evidence {
    /// One word, such as `call` or `metric`.
    pub kind: String,
    /// What it is.
    pub text: String,
    /// The id of the symbol it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The file where it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line where it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
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

// JSON has no NaN and no infinity. serde_json writes `null` for them, which the host would take for a value left out.

fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        Err(S::Error::custom("a confidence that is not a finite number"))
    }
}

fn finite_values<S: Serializer>(values: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (name, value) in values {
        if !value.is_finite() {
            return Err(S::Error::custom(format!("the metric '{}' is not a finite number", name)));
        }
        map.serialize_entry(name, value)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(recommendation: &Recommendation) -> String {
        serde_json::to_string(recommendation).expect("finite")
    }

    #[test]
    fn leaves_out_what_the_host_fills_in() {
        assert_eq!(json(&Recommendation::new("t")), r#"{"confidence":1.0,"title":"t"}"#);
    }

    #[test]
    fn writes_everything_that_is_set() {
        let symbol = Symbol { start_line: 3, end_line: 5, ..Symbol::function("a.b", "f") };
        let found = Recommendation::new("t")
            .with_id("i")
            .with_category(Category::Custom("x".to_string()))
            .with_severity(Severity::Error)
            .with_confidence(0.5)
            .with_description("d")
            .about(&symbol)
            .with_suggestion("s")
            .with_evidence(Evidence::new("k", "e").with_symbol("y").at("f.py", 7))
            .with_metric("m", 2.0)
            .with_discriminator("c");
        let expected = concat!(
            r#"{"id":"i","category":"custom:x","severity":"error","confidence":0.5,"title":"t","description":"d","#,
            r#""symbols":[{"id":"a.b:f","name":"f","file":"a/b.py","module":"a.b","#,
            r#""start_line":3,"end_line":5,"start_column":1}],"suggestion":"s","#,
            r#""evidence":[{"kind":"k","text":"e","symbol":"y","file":"f.py","line":7}],"#,
            r#""metrics":{"m":2.0},"discriminator":"c"}"#
        );
        assert_eq!(json(&found), expected);
        assert_eq!(serde_json::from_str::<Recommendation>(expected).expect("valid"), found);
    }

    #[test]
    fn categories_are_text() {
        for text in ["combine_functions", "naming", "complexity", "dead_code", "module_organization", "type_narrowing"]
        {
            let quoted = format!("\"{}\"", text);
            let category: Category = serde_json::from_str(&quoted).expect("text");
            assert!(!matches!(category, Category::Custom(_)), "{}", text);
            assert_eq!(serde_json::to_string(&category).expect("text"), quoted);
        }
        let custom: Category = serde_json::from_str("\"custom:a\"").expect("text");
        assert_eq!(custom, Category::Custom("a".to_string()));
    }

    #[test]
    fn refuses_numbers_that_are_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(serde_json::to_string(&Recommendation::new("t").with_confidence(value)).is_err());
            let error =
                serde_json::to_string(&Recommendation::new("t").with_metric("m", value)).expect_err("no number");
            assert!(error.to_string().contains("'m'"), "{}", error);
        }
    }
}
