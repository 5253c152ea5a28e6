//! Recommendations as JSON. Written by hand: half the size of serde's way, and numbers that are none are an error instead
//! of `null`, which the host would take for a value left out.

use std::fmt::Write;

use crate::recommendation::{Category, Evidence, Recommendation, Severity, SymbolRef};

/// `recommendations` as the JSON array that the host reads. What is empty is left out.
///
/// # Errors
///
/// A confidence or metric is not finite.
pub fn to_json(recommendations: &[Recommendation]) -> Result<String, String> {
    let mut text = String::from("[");
    for recommendation in recommendations {
        separate(&mut text);
        write_recommendation(&mut text, recommendation)?;
    }
    text.push(']');
    Ok(text)
}

/// The document by which a plugin says that it failed.
pub(crate) fn error_json(error: &str) -> String {
    let mut text = String::from("{");
    write_text(&mut text, "error", error);
    text.push('}');
    text
}

fn write_recommendation(text: &mut String, item: &Recommendation) -> Result<(), String> {
    text.push('{');
    for (name, value) in [("id", &item.id), ("rule_id", &item.rule_id), ("group", &item.group)] {
        write_unless_empty(text, name, value);
    }
    if let Some(category) = &item.category {
        write_text(text, "category", &category_text(category));
    }
    if let Some(severity) = item.severity {
        write_text(text, "severity", severity_text(severity));
    }
    if !item.confidence.is_finite() {
        return Err(format!("the confidence of '{}' is not a finite number", item.title));
    }
    write_key(text, "confidence");
    write_number(text, item.confidence);
    write_text(text, "title", &item.title);
    write_unless_empty(text, "description", &item.description);
    write_list(text, "symbols", &item.symbols, write_symbol);
    write_option(text, "suggestion", &item.suggestion);
    write_list(text, "evidence", &item.evidence, write_evidence);
    if !item.metrics.is_empty() {
        write_key(text, "metrics");
        text.push('{');
        for (name, value) in &item.metrics {
            if !value.is_finite() {
                return Err(format!("the metric '{}' is not a finite number", name));
            }
            write_key(text, name);
            write_number(text, *value);
        }
        text.push('}');
    }
    write_unless_empty(text, "discriminator", &item.discriminator);
    write_unless_empty(text, "fingerprint", &item.fingerprint);
    text.push('}');
    Ok(())
}

fn category_text(category: &Category) -> String {
    let fixed = match category {
        Category::CombineFunctions => "combine_functions",
        Category::Naming => "naming",
        Category::Complexity => "complexity",
        Category::DeadCode => "dead_code",
        Category::ModuleOrganization => "module_organization",
        Category::TypeNarrowing => "type_narrowing",
        Category::Custom(name) => return ["custom:", name].concat(),
    };
    fixed.to_string()
}

fn severity_text(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn write_symbol(text: &mut String, symbol: &SymbolRef) {
    for (name, value) in
        [("id", &symbol.id), ("name", &symbol.name), ("file", &symbol.file), ("module", &symbol.module)]
    {
        write_text(text, name, value);
    }
    // Lines count from 1: 0 is one that is not known.
    for (name, value) in
        [("start_line", symbol.start_line), ("end_line", symbol.end_line), ("start_column", symbol.start_column)]
    {
        if value > 0 {
            write_integer(text, name, value);
        }
    }
}

fn write_evidence(text: &mut String, evidence: &Evidence) {
    write_text(text, "kind", &evidence.kind);
    write_text(text, "text", &evidence.text);
    write_option(text, "symbol", &evidence.symbol);
    write_option(text, "file", &evidence.file);
    if let Some(line) = evidence.line {
        write_integer(text, "line", line);
    }
}

fn write_list<T>(text: &mut String, name: &str, items: &[T], write_item: fn(&mut String, &T)) {
    if items.is_empty() {
        return;
    }
    write_key(text, name);
    text.push('[');
    for item in items {
        separate(text);
        text.push('{');
        write_item(text, item);
        text.push('}');
    }
    text.push(']');
}

fn write_option(text: &mut String, name: &str, value: &Option<String>) {
    if let Some(value) = value {
        write_text(text, name, value);
    }
}

fn write_unless_empty(text: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        write_text(text, name, value);
    }
}

fn write_text(text: &mut String, name: &str, value: &str) {
    write_key(text, name);
    write_string(text, value);
}

fn write_integer(text: &mut String, name: &str, value: u32) {
    write_key(text, name);
    let _ = write!(text, "{}", value); // a String takes everything
}

fn write_number(text: &mut String, value: f64) {
    let _ = write!(text, "{}", value);
}

fn write_key(text: &mut String, name: &str) {
    separate(text);
    write_string(text, name);
    text.push(':');
}

/// A comma, where something stands before.
fn separate(text: &mut String) {
    if !matches!(text.as_bytes().last(), Some(b'[') | Some(b'{')) {
        text.push(',');
    }
}

fn write_string(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => {
                text.push('\\');
                text.push(letter);
            }
            '\0'..='\x1f' => {
                text.push_str("\\u00");
                for digit in [letter as u8 >> 4, letter as u8 & 15] {
                    text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
            _ => text.push(letter),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Symbol;

    fn json(recommendation: &Recommendation) -> String {
        to_json(std::slice::from_ref(recommendation)).expect("finite")
    }

    #[test]
    fn leaves_out_what_the_host_fills_in() {
        assert_eq!(json(&Recommendation::new("t")), r#"[{"confidence":1,"title":"t"}]"#);
        assert_eq!(to_json(&[]), Ok("[]".to_string()));
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
            .with_metric("n", -0.25)
            .with_discriminator("c");
        let expected = concat!(
            r#"[{"id":"i","category":"custom:x","severity":"error","confidence":0.5,"title":"t","description":"d","#,
            r#""symbols":[{"id":"a.b:f","name":"f","file":"a/b.py","module":"a.b","#,
            r#""start_line":3,"end_line":5,"start_column":1}],"suggestion":"s","#,
            r#""evidence":[{"kind":"k","text":"e","symbol":"y","file":"f.py","line":7}],"#,
            r#""metrics":{"m":2,"n":-0.25},"discriminator":"c"}]"#
        );
        assert_eq!(json(&found), expected);
        assert_eq!(serde_json::from_str::<Vec<Recommendation>>(expected).expect("valid"), [found]);
    }

    #[test]
    fn any_text_and_any_number_survive() {
        let all: String = (0..0x300).chain(0xd7f0..0xe010).chain(0x1f600..0x1f610).filter_map(char::from_u32).collect();
        for value in [0.1, 1e-300, 1e300, -0.0, 123_456_789.123_456_78] {
            let written = Recommendation::new(all.clone()).with_confidence(value).with_metric(all.clone(), value);
            let read: Vec<Recommendation> = serde_json::from_str(&json(&written)).expect("valid");
            assert_eq!(read[0].title, all);
            assert_eq!(read[0].metrics.keys().next(), Some(&all));
            let close = (read[0].confidence - value).abs() <= value.abs() * f64::EPSILON; // serde_json is not exact
            assert!(close, "{}", value);
        }
    }

    #[test]
    fn categories_are_text() {
        for text in ["combine_functions", "naming", "complexity", "dead_code", "module_organization", "type_narrowing"]
        {
            let category: Category = serde_json::from_str(&format!("\"{}\"", text)).expect("text");
            assert!(!matches!(category, Category::Custom(_)), "{}", text);
            assert_eq!(category_text(&category), text);
        }
        let custom: Category = serde_json::from_str("\"custom:a\"").expect("text");
        assert_eq!(custom, Category::Custom("a".to_string()));
    }

    #[test]
    fn refuses_numbers_that_are_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = to_json(&[Recommendation::new("t").with_confidence(value)]).expect_err("no number");
            assert_eq!(error, "the confidence of 't' is not a finite number");
            let error = to_json(&[Recommendation::new("t").with_metric("m", value)]).expect_err("no number");
            assert_eq!(error, "the metric 'm' is not a finite number");
        }
    }
}
