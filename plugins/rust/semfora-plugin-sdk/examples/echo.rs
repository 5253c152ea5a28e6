//! Reads a document from standard input and writes what the SDK understood of it: `echo context` or `echo
//! recommendations`. Our tests hold the SDK's types to the published schemas with it.

use std::io::Read;

use semfora_plugin_sdk::{to_json, Recommendation, SuggestContext};

fn main() {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).expect("readable");
    let output = match std::env::args().nth(1).as_deref() {
        Some("context") => serde_json::to_string(&SuggestContext::from_json(&input).expect("a context")),
        Some("recommendations") => {
            Ok(to_json(&serde_json::from_slice::<Vec<Recommendation>>(&input).expect("recommendations"))
                .expect("finite"))
        }
        _ => panic!("usage: echo context|recommendations"),
    };
    println!("{}", output.expect("writable"));
}
