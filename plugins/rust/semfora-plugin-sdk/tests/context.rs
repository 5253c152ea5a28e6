//! Reading contexts: defaults, the unknown, options.

use semfora_plugin_sdk::{Reachability, Resolution, ScopeKind, SuggestContext, SymbolKind};

fn context(json: &str) -> SuggestContext {
    SuggestContext::from_json(json.as_bytes()).expect("a context")
}

#[test]
fn what_is_left_out_has_its_default() {
    let read = context(r#"{"generator":{"version":"1"},"repository":{"name":"x"},"scope":{},"symbols":[{"id":"a"}]}"#);
    assert_eq!(read.scope.kind, ScopeKind::Repo);
    assert_eq!(read.symbols[0].metrics.loc, 0);
    assert_eq!(read.symbols[0].returns_none, None);
    assert!(read.symbols[0].arguments.is_empty() && read.calls.is_empty() && read.config.is_empty());
}

#[test]
fn fields_and_names_of_a_later_contract_do_no_harm() {
    let read = context(
        r#"{"later":[{}],"scope":{"kind":"moon"},"symbols":[{"id":"a","kind":"macro","reachability":"dreamt","x":{"y":[1]}}],
            "calls":[{"caller":"a","resolution":"guessed","line":3}],"duplicates":[{"kind":"rhyming"}]}"#,
    );
    assert_eq!(read.scope.kind, ScopeKind::Other);
    assert_eq!(read.symbols[0].kind, SymbolKind::Other);
    assert_eq!(read.symbols[0].reachability, Reachability::Unknown);
    assert_eq!(read.calls[0].resolution, Resolution::Name);
    assert_eq!(read.calls[0].line, 3);
}

#[test]
fn options_are_decoded_and_errors_name_them() {
    let read = context(r#"{"config":{"layers":["api","db"],"limit":null,"depth":-1}}"#);
    assert_eq!(read.option::<Vec<String>>("layers"), Ok(Some(vec!["api".to_string(), "db".to_string()])));
    assert_eq!(read.option::<u32>("limit"), Ok(None));
    assert_eq!(read.option::<u32>("missing"), Ok(None));
    let error = read.option::<u32>("depth").expect_err("negative");
    assert!(error.starts_with("config.depth: "), "{}", error);
}

#[test]
fn all_options_are_decoded_together() {
    #[derive(serde::Deserialize)]
    struct Options {
        layers: Vec<String>,
        #[serde(default)]
        strict: bool,
    }
    let read = context(r#"{"config":{"layers":["api"]}}"#);
    let options: Options = read.options().expect("valid");
    assert_eq!((options.layers.len(), options.strict), (1, false));
    let error = context(r#"{"config":{}}"#).options::<Options>().map(|_| ()).expect_err("incomplete");
    assert!(error.contains("layers"), "{}", error);
}

#[test]
fn capabilities_are_asked_for_by_name() {
    let read = context(r#"{"generator":{"capabilities":["imports"]}}"#);
    assert!(read.has_capability("imports") && !read.has_capability("control_flow"));
}
