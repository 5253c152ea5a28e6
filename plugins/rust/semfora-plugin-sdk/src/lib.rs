//! Write [semfora](https://pypi.org/project/semfora-hooks/) plugins in Rust.
//!
//! A plugin is one function from a [`SuggestContext`] (the repository's symbols, calls, modules and duplicates) to
//! [`Recommendation`]s, built for `wasm32-unknown-unknown`:
//!
//! ```
//! use semfora_plugin_sdk::{Recommendation, Severity, SuggestContext};
//!
//! semfora_plugin_sdk::plugin!(evaluate);
//!
//! fn evaluate(context: SuggestContext) -> Result<Vec<Recommendation>, String> {
//!     let limit = context.option::<usize>("max-callers")?.unwrap_or(20);
//!     let graph = context.graph();
//!     let mut found = Vec::new();
//!     for symbol in &context.symbols {
//!         let callers = graph.callers_of(&symbol.id).len();
//!         if callers > limit {
//!             found.push(
//!                 Recommendation::new(format!("`{}` has {} callers", symbol.name, callers))
//!                     .with_severity(Severity::Info)
//!                     .with_metric("callers", callers as f64)
//!                     .about(symbol),
//!             );
//!         }
//!     }
//!     Ok(found)
//! }
//! # fn main() {}
//! ```
//!
//! - [`SuggestContext`] and its parts are what comes in; [`SuggestContext::option`] reads the manifest's `config`.
//! - [`Graph`] looks symbols up by id and module, and follows calls.
//! - [`plugin!`] exports the function. Panics reach the user with their text and place.
//! - [`log`] writes a line that `semfora-hooks plugin run` shows.
//! - [`evaluate_json`] runs the function on a document, natively, for tests.
//!
//! The same context must give the same findings: use the tables of [`hash`], or `BTreeMap`s.

#![warn(missing_docs)]

pub mod abi;
#[cfg(any(test, all(target_arch = "wasm32", feature = "allocator")))]
mod allocator;
mod context;
mod decode;
mod graph;
pub mod hash;
mod output;
mod recommendation;

pub use abi::evaluate_json;
pub use context::*;
pub use graph::{is_under, Graph};
pub use output::to_json;
pub use recommendation::{Category, Evidence, Recommendation, Severity, SymbolRef};

#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: allocator::Allocator<allocator::Wasm> = allocator::Allocator::new(allocator::Wasm);

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// Writes a line for the plugin's author. The host keeps the last 16 KB and shows them when the plugin fails; outside
/// WebAssembly they go to standard error.
pub fn log(text: &str) {
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{}", text);
    #[cfg(target_arch = "wasm32")]
    {
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        extern "C" {
            fn fd_write(fd: u32, vectors: *const [usize; 2], count: usize, written: *mut usize) -> u32;
        }
        let vectors = [[text.as_ptr() as usize, text.len()], ["\n".as_ptr() as usize, 1]];
        let mut written = 0;
        // SAFETY: the vectors and what they point to live until the call returns. The result tells nothing of use.
        let _ = unsafe { fd_write(2, vectors.as_ptr(), vectors.len(), &mut written) };
    }
}
