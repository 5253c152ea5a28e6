//! The plugin ABI, version 1: what [`crate::plugin!`] exports. Nothing here is for plugins to call.

use std::fmt::Display;

use crate::context::SuggestContext;
use crate::output::{error_json, to_json};
use crate::recommendation::Recommendation;

/// What a plugin's function may return.
pub trait Outcome {
    /// The findings, or why there are none.
    fn into_result(self) -> Result<Vec<Recommendation>, String>;
}

impl Outcome for Vec<Recommendation> {
    fn into_result(self) -> Result<Vec<Recommendation>, String> {
        Ok(self)
    }
}

impl<E: Display> Outcome for Result<Vec<Recommendation>, E> {
    fn into_result(self) -> Result<Vec<Recommendation>, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Runs a plugin's function on a context document, as the host does. For tests too.
///
/// Returns a JSON array of recommendations, or `{"error": …}` where the document cannot be read, the function fails, or
/// a number is not finite.
pub fn evaluate_json<R: Outcome>(context: &[u8], evaluate: impl FnOnce(SuggestContext) -> R) -> String {
    let result = SuggestContext::from_json(context)
        .and_then(|context| evaluate(context).into_result())
        .and_then(|found| to_json(&found));
    result.unwrap_or_else(|error| error_json(&error))
}

/// Exports a function as a plugin.
///
/// ```
/// use semfora_plugin_sdk::{Recommendation, SuggestContext};
///
/// semfora_plugin_sdk::plugin!(evaluate);
///
/// fn evaluate(context: SuggestContext) -> Vec<Recommendation> {
///     let long = context.symbols.iter().filter(|symbol| symbol.metrics.loc > 100);
///     long.map(|symbol| Recommendation::new(format!("`{}` is long", symbol.name)).about(symbol)).collect()
/// }
/// # fn main() {}
/// ```
///
/// The function takes a [`SuggestContext`] and returns `Vec<Recommendation>`, or `Result<Vec<Recommendation>, E>` where
/// `E` can be displayed: an `Err` is the plugin's own failure, which the host reports. A panic ends the evaluation; the
/// host reports its text and place. Outside WebAssembly the macro exports nothing, so that tests run natively.
#[macro_export]
macro_rules! plugin {
    ($evaluate:path) => {
        const _: () = {
            /// The ABI that the module speaks; the host looks at the name and never calls it.
            #[cfg(target_arch = "wasm32")]
            #[export_name = "semfora_abi_v1"]
            extern "C" fn semfora_marker() {}

            /// Room for a context of `size` bytes, or 0.
            #[cfg(target_arch = "wasm32")]
            #[export_name = "semfora_alloc"]
            extern "C" fn semfora_room(size: usize) -> usize {
                $crate::abi::guest::allocate(size)
            }

            /// Result of the context at `start`: its address in the upper half, its length in the lower.
            #[cfg(target_arch = "wasm32")]
            #[export_name = "evaluate"]
            extern "C" fn semfora_evaluate(start: usize, length: usize) -> u64 {
                $crate::abi::guest::run(start, length, semfora_json)
            }

            #[allow(dead_code)]
            fn semfora_json(context: &[u8]) -> ::std::string::String {
                $crate::abi::evaluate_json(context, $evaluate)
            }
        };
    };
}

/// The other side of the exports.
#[cfg(target_arch = "wasm32")]
pub mod guest {
    use std::alloc::Layout;
    use std::panic;

    #[link(wasm_import_module = "env")]
    extern "C" {
        /// Ends the evaluation with a message and a place. Strings are UTF-16 with their length in bytes, as a 32-bit
        /// number, in front of the address.
        #[link_name = "abort"]
        fn host_abort(message: *const u16, file: *const u16, line: u32, column: u32);
    }

    /// See [`crate::plugin!`].
    pub fn allocate(size: usize) -> usize {
        match Layout::array::<u8>(size.max(1)) {
            // SAFETY: the layout's size is not 0.
            Ok(layout) => unsafe { std::alloc::alloc(layout) as usize },
            Err(_) => 0,
        }
    }

    /// See [`crate::plugin!`].
    pub fn run(start: usize, length: usize, evaluate: fn(&[u8]) -> String) -> u64 {
        panic::set_hook(Box::new(|info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let place = info.location();
            let message = Utf16::new(text.unwrap_or("panic without a text"));
            let file = Utf16::new(place.map_or("", |place| place.file()));
            let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
            // SAFETY: both strings live until the call returns, if it does.
            unsafe { host_abort(message.address(), file.address(), line, column) }
        }));
        // SAFETY: the host wrote `length` bytes where `allocate` gave it as much room, and has given it up.
        let context = unsafe { std::slice::from_raw_parts(start as *const u8, length) };
        // Nothing is freed: the host drops the instance when it has copied the result.
        let output = Box::leak(evaluate(context).into_boxed_str());
        (output.as_ptr() as u64) << 32 | output.len() as u64
    }

    /// A string as `env.abort` wants it.
    struct Utf16(Vec<u16>);

    impl Utf16 {
        fn new(text: &str) -> Self {
            let mut units = vec![0, 0];
            units.extend(text.encode_utf16());
            let size = (units.len() - 2) * 2;
            units[0] = size as u16;
            units[1] = (size >> 16) as u16;
            Utf16(units)
        }

        fn address(&self) -> *const u16 {
            self.0[2..].as_ptr()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &[u8] = br#"{"generator":{"version":"1"},"repository":{"name":"x"},"scope":{}}"#;

    #[test]
    fn findings_become_an_array() {
        let output = evaluate_json(MINIMAL, |context| vec![Recommendation::new(context.repository.name)]);
        assert_eq!(output, r#"[{"confidence":1,"title":"x"}]"#);
    }

    #[test]
    fn nothing_found_is_an_empty_array() {
        assert_eq!(evaluate_json(MINIMAL, |_| Vec::new()), "[]");
    }

    #[test]
    fn a_failure_becomes_an_object() {
        let output = evaluate_json(MINIMAL, |_| -> Result<Vec<Recommendation>, _> { Err("no \"layers\"\n") });
        assert_eq!(output, r#"{"error":"no \"layers\"\u000a"}"#);
    }

    #[test]
    fn a_number_that_is_none_is_a_failure() {
        let output = evaluate_json(MINIMAL, |_| vec![Recommendation::new("t").with_confidence(f64::NAN)]);
        assert_eq!(output, r#"{"error":"the confidence of 't' is not a finite number"}"#);
    }

    #[test]
    fn a_context_that_is_none_is_a_failure() {
        for (context, words) in [
            ("{", "the context cannot be read"),
            ("[]", "the context cannot be read"),
            (r#"{"symbols":[{"start_line":"one"}]}"#, "invalid type: string \"one\""),
            (r#"{"schema":"other"}"#, "its schema is 'other'"),
            (r#"{"version":2}"#, "update the plugin"),
            (r#"{"version":0}"#, "upgrade semfora-hooks"),
        ] {
            let output = evaluate_json(context.as_bytes(), |_| -> Vec<Recommendation> { panic!("not to be called") });
            let value: serde_json::Value = serde_json::from_str(&output).expect("JSON");
            let error = value["error"].as_str().expect("an error");
            assert!(error.contains(words), "{}", error);
        }
    }
}
