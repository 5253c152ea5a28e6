//! The fixtures, run natively: `fixtures/*.context.json` must give `*.expected.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use semfora_plugin_sdk::{evaluate_json, CallEdge, Resolution, SuggestContext, Symbol};
use serde_json::{json, Value};

use super::evaluate;

#[test]
fn fixtures_give_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let names: BTreeSet<String> = fs::read_dir(&folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter_map(|name| name.strip_suffix(".context.json").map(str::to_string))
        .collect();
    assert!(!names.is_empty());
    for name in names {
        let read = |kind| fs::read(folder.join(format!("{}.{}.json", name, kind))).expect("a fixture");
        let expected: Value = serde_json::from_slice(&read("expected")).expect("JSON");
        let got: Value = serde_json::from_str(&evaluate_json(&read("context"), evaluate)).expect("JSON");
        assert_eq!(got, expected, "{}", name);
    }
}

/// `low` calls `high` with each of these resolutions, on lines 1, 2, …
fn calls(high: &str, low: &str, resolutions: &[Resolution]) -> SuggestContext {
    let (callee, caller) = (Symbol::function(high, "f"), Symbol::function(low, "g"));
    let edges = resolutions.iter().zip(1..);
    let calls =
        edges.map(|(resolution, line)| CallEdge { resolution: *resolution, ..CallEdge::exact(&caller, &callee, line) });
    let mut context = SuggestContext { calls: calls.collect(), ..SuggestContext::default() };
    context.symbols = vec![callee, caller];
    context.config.insert("layers".to_string(), json!(["api", "core", "db"]));
    context
}

#[test]
fn the_first_call_of_a_pair_decides() {
    let context = calls("shop.api", "shop.db", &[Resolution::Inferred, Resolution::Exact]);
    let found = evaluate(context).expect("valid options");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].confidence, found[0].evidence[0].text.as_str()), (0.7, "line 1"));
}

#[test]
fn calls_down_and_inside_a_layer_are_fine() {
    for (high, low) in [("shop.db", "shop.api"), ("shop.api.a", "shop.api.b"), ("apis", "db"), ("api", "tools")] {
        assert_eq!(evaluate(calls(high, low, &[Resolution::Exact])), Ok(Vec::new()), "{} {}", high, low);
    }
}
