//! A plugin that misbehaves as `config.how` says; our tests build it to see what the host makes of it.

use semfora_plugin_sdk::{log, Recommendation, SuggestContext};

semfora_plugin_sdk::plugin!(evaluate);

fn evaluate(context: SuggestContext) -> Result<Vec<Recommendation>, String> {
    let how: String = context.option("how")?.unwrap_or_default();
    log(&format!("how: {}", how));
    match how.as_str() {
        "literal" => panic!("a text known at build time"),
        "formatted" => panic!("{} symbols are too many: \u{1f600}", context.symbols.len()),
        "index" => Ok(vec![Recommendation::new(&context.symbols[context.symbols.len()].name)]),
        "unwrap" => Ok(vec![Recommendation::new(context.repository.head.expect("a commit"))]),
        "memory" => {
            let rooms: Vec<Vec<u8>> = (0..1 << 16).map(|_| vec![1; 1 << 20]).collect();
            Ok(vec![Recommendation::new(rooms.len().to_string())])
        }
        "error" => Err("it says why".to_string()),
        "nan" => Ok(vec![Recommendation::new("t").with_metric("m", f64::NAN)]),
        _ => Ok(vec![Recommendation::new("nothing happened")]),
    }
}
