//! `layer-guard`: calls must not go up, from a lower layer of the architecture into a higher one.
//!
//! The manifest's `config.layers` names the layers from the uppermost to the lowest. A symbol is in the first of them
//! that is one of the dotted parts of its module.

use semfora_plugin_sdk::hash::HashSet;
use semfora_plugin_sdk::{CallEdge, Category, Evidence, Recommendation, Resolution, Severity, SuggestContext, Symbol};

semfora_plugin_sdk::plugin!(evaluate);

/// One finding for each pair of symbols, at its first call.
///
/// # Errors
///
/// `config.layers` is something else than a list of strings.
pub fn evaluate(context: SuggestContext) -> Result<Vec<Recommendation>, String> {
    let layers: Vec<String> =
        context.option("layers").map_err(|_| "config.layers must be a list of strings")?.unwrap_or_default();
    let graph = context.graph();
    let mut seen = HashSet::default();
    let mut found = Vec::new();
    for call in &context.calls {
        let (caller, callee) = match graph.ends(call) {
            Some(ends) => ends,
            None => continue,
        };
        if let (Some(lower), Some(upper)) = (layer_of(caller, &layers), layer_of(callee, &layers)) {
            if lower > upper && seen.insert((&caller.id, &callee.id)) {
                found.push(finding(call, caller, callee, &layers, lower, upper));
            }
        }
    }
    Ok(found)
}

fn layer_of(symbol: &Symbol, layers: &[String]) -> Option<usize> {
    layers.iter().position(|layer| symbol.module.split('.').any(|part| part == layer))
}

fn finding(
    call: &CallEdge,
    caller: &Symbol,
    callee: &Symbol,
    layers: &[String],
    lower: usize,
    upper: usize,
) -> Recommendation {
    let (severity, confidence) = match call.resolution {
        Resolution::Exact => (Severity::Error, 0.95),
        Resolution::Inferred => (Severity::Warning, 0.7),
        Resolution::Name => (Severity::Warning, 0.4),
    };
    let title = format!(
        "`{}` ({}) calls `{}` ({})",
        caller.qualified_name, layers[lower], callee.qualified_name, layers[upper]
    );
    Recommendation::new(title)
        .with_id(format!("layer-guard:{}->{}", caller.id, callee.id))
        .with_category(Category::Custom("architecture".to_string()))
        .with_severity(severity)
        .with_confidence(confidence)
        .with_description(format!(
            "Layer `{}` must not depend on layer `{}`; the order is {}.",
            layers[lower],
            layers[upper],
            layers.join(" > ")
        ))
        .about(caller)
        .about(callee)
        .with_suggestion(format!("Move the call up, or pass what `{}` needs as an argument.", caller.name))
        .with_evidence(Evidence::new("call", format!("line {}", call.line)).with_symbol(&callee.id))
        .with_metric("distance", (lower - upper) as f64)
}

#[cfg(test)]
mod tests;
