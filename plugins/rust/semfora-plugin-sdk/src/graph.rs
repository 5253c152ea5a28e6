//! Look-ups in a context: symbols by id and module, and the call graph.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::context::{CallEdge, Module, SuggestContext, Symbol};
use crate::hash::{HashMap, HashSet};

type Positions<'a> = HashMap<&'a str, Vec<usize>>;
type Lazy<'a> = RefCell<Option<Rc<Positions<'a>>>>;

/// Look-ups in a [`SuggestContext`], which it borrows.
///
/// Symbols are indexed at once; callers, callees, modules and children when they are first asked for. Results are in the
/// order of the context, so that the same input gives the same output.
pub struct Graph<'a> {
    context: &'a SuggestContext,
    by_id: HashMap<&'a str, &'a Symbol>,
    by_caller: Lazy<'a>,
    by_callee: Lazy<'a>,
    by_module: Lazy<'a>,
    by_parent: Lazy<'a>,
}

impl<'a> Graph<'a> {
    /// Indexes the symbols of `context`.
    pub fn new(context: &'a SuggestContext) -> Self {
        Graph {
            context,
            by_id: context.symbols.iter().map(|symbol| (symbol.id.as_str(), symbol)).collect(),
            by_caller: RefCell::default(),
            by_callee: RefCell::default(),
            by_module: RefCell::default(),
            by_parent: RefCell::default(),
        }
    }

    /// The symbol with this id. Calls may name symbols that a projection left out.
    pub fn symbol(&self, id: &str) -> Option<&'a Symbol> {
        self.by_id.get(id).copied()
    }

    /// Both ends of a call, where both are symbols of the context.
    pub fn ends(&self, call: &CallEdge) -> Option<(&'a Symbol, &'a Symbol)> {
        Some((self.symbol(&call.caller)?, self.symbol(call.callee.as_deref()?)?))
    }

    /// The calls that stand in a symbol.
    pub fn calls_from(&self, id: &str) -> Vec<&'a CallEdge> {
        let index = index(&self.by_caller, &self.context.calls, |call| Some(call.caller.as_str()));
        pick(&self.context.calls, index.get(id))
    }

    /// The calls that reach a symbol.
    pub fn calls_to(&self, id: &str) -> Vec<&'a CallEdge> {
        let index = index(&self.by_callee, &self.context.calls, |call| call.callee.as_deref());
        pick(&self.context.calls, index.get(id))
    }

    /// The symbols that call a symbol, each once.
    pub fn callers_of(&self, id: &str) -> Vec<&'a Symbol> {
        let mut seen = HashSet::default();
        let callers = self.calls_to(id).into_iter().map(|call| call.caller.as_str());
        callers.filter(|id| seen.insert(*id)).filter_map(|id| self.symbol(id)).collect()
    }

    /// The symbols that a symbol calls, each once; names outside the repository are not among them.
    pub fn callees_of(&self, id: &str) -> Vec<&'a Symbol> {
        let mut seen = HashSet::default();
        let callees = self.calls_from(id).into_iter().filter_map(|call| call.callee.as_deref());
        callees.filter(|id| seen.insert(*id)).filter_map(|id| self.symbol(id)).collect()
    }

    /// The symbols of exactly this module.
    pub fn symbols_in(&self, module: &str) -> Vec<&'a Symbol> {
        let index = index(&self.by_module, &self.context.symbols, |symbol| Some(symbol.module.as_str()));
        pick(&self.context.symbols, index.get(module))
    }

    /// The symbols of this module or package and of everything below it.
    pub fn symbols_under(&self, package: &str) -> Vec<&'a Symbol> {
        self.context.symbols.iter().filter(|symbol| is_under(&symbol.module, package)).collect()
    }

    /// The symbols that are defined directly inside a symbol.
    pub fn children_of(&self, id: &str) -> Vec<&'a Symbol> {
        let index = index(&self.by_parent, &self.context.symbols, |symbol| symbol.parent.as_deref());
        pick(&self.context.symbols, index.get(id))
    }

    /// The module of this name.
    pub fn module(&self, name: &str) -> Option<&'a Module> {
        self.context.modules.iter().find(|module| module.name == name)
    }

    /// A shortest chain of calls from a symbol to one that `is_target` holds for, both included; the symbol itself may be
    /// the target. `None` where there is none, or the symbol does not exist.
    pub fn path_to<F: Fn(&Symbol) -> bool>(&self, from: &str, is_target: F) -> Option<Vec<&'a Symbol>> {
        let start = self.symbol(from)?;
        let mut reached_from: HashMap<&'a str, &'a Symbol> = HashMap::default();
        let mut waiting = VecDeque::from([start]);
        while let Some(symbol) = waiting.pop_front() {
            if is_target(symbol) {
                let mut path = vec![symbol];
                while let Some(previous) = reached_from.get(path[path.len() - 1].id.as_str()) {
                    path.push(previous);
                }
                path.reverse();
                return Some(path);
            }
            for callee in self.callees_of(&symbol.id) {
                if callee.id != start.id && !reached_from.contains_key(callee.id.as_str()) {
                    reached_from.insert(&callee.id, symbol);
                    waiting.push_back(callee);
                }
            }
        }
        None
    }
}

/// Whether the dotted name `module` is `package` or stands below it.
pub fn is_under(module: &str, package: &str) -> bool {
    module.strip_prefix(package).map_or(false, |rest| rest.is_empty() || rest.starts_with('.'))
}

fn index<'a, T>(lazy: &Lazy<'a>, items: &'a [T], key: impl Fn(&'a T) -> Option<&'a str>) -> Rc<Positions<'a>> {
    let mut slot = lazy.borrow_mut();
    Rc::clone(slot.get_or_insert_with(|| {
        let mut positions = Positions::default();
        for (position, item) in items.iter().enumerate() {
            if let Some(key) = key(item) {
                positions.entry(key).or_default().push(position);
            }
        }
        Rc::new(positions)
    }))
}

fn pick<'a, T>(items: &'a [T], positions: Option<&Vec<usize>>) -> Vec<&'a T> {
    positions.into_iter().flatten().map(|position| &items[*position]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(symbols: Vec<&Symbol>) -> Vec<&str> {
        symbols.into_iter().map(|symbol| symbol.name.as_str()).collect()
    }

    /// `a` calls `b` twice and `c`; `b` and `c` call `d`; `d` calls `b` and something outside. All but `d` are in `app.x`.
    fn example() -> SuggestContext {
        let mut symbols: Vec<Symbol> = ["a", "b", "c"].iter().map(|name| Symbol::function("app.x", name)).collect();
        symbols.push(Symbol::function("app.xy", "d"));
        symbols[1].parent = Some(symbols[0].id.clone());
        let call = |from: usize, to: usize, line| CallEdge::exact(&symbols[from], &symbols[to], line);
        let mut calls = vec![call(0, 1, 2), call(0, 2, 3), call(0, 1, 4), call(1, 3, 5), call(2, 3, 6), call(3, 1, 7)];
        calls.push(CallEdge { callee: None, external: Some("os.getcwd".to_string()), ..call(3, 0, 8) });
        calls.push(CallEdge { callee: Some("left out".to_string()), ..call(0, 3, 9) });
        let modules = vec![Module { name: "app.x".to_string(), files: 1, ..Module::default() }];
        SuggestContext { symbols, calls, modules, ..SuggestContext::default() }
    }

    #[test]
    fn finds_symbols_by_id_and_module() {
        let context = example();
        let graph = context.graph();
        assert_eq!(graph.symbol("app.x:b").map(|symbol| symbol.name.as_str()), Some("b"));
        assert_eq!(graph.symbol("b"), None);
        assert_eq!(names(graph.symbols_in("app.x")), ["a", "b", "c"]);
        assert_eq!(names(graph.symbols_in("app")), [""; 0]);
        assert_eq!(names(graph.symbols_under("app")), ["a", "b", "c", "d"]);
        assert_eq!(names(graph.symbols_under("app.x")), ["a", "b", "c"]);
        assert_eq!(names(graph.children_of("app.x:a")), ["b"]);
        assert_eq!(graph.module("app.x").map(|module| module.files), Some(1));
        assert!(graph.module("app").is_none());
    }

    #[test]
    fn follows_calls_both_ways() {
        let context = example();
        let graph = context.graph();
        assert_eq!(names(graph.callees_of("app.x:a")), ["b", "c"]);
        assert_eq!(names(graph.callers_of("app.x:b")), ["a", "d"]);
        assert_eq!(graph.calls_from("app.x:a").iter().map(|call| call.line).collect::<Vec<_>>(), [2, 3, 4, 9]);
        assert_eq!(graph.calls_to("app.x:b").iter().map(|call| call.line).collect::<Vec<_>>(), [2, 4, 7]);
        assert!(graph.callers_of("nobody").is_empty());
    }

    #[test]
    fn a_call_has_two_ends_only_inside_the_context() {
        let context = example();
        let graph = context.graph();
        let (caller, callee) = graph.ends(&context.calls[0]).expect("both are symbols");
        assert_eq!((caller.name.as_str(), callee.name.as_str()), ("a", "b"));
        assert!(graph.ends(&context.calls[6]).is_none());
        assert!(graph.ends(&context.calls[7]).is_none());
    }

    #[test]
    fn finds_a_shortest_path_in_a_circle() {
        let context = example();
        let graph = context.graph();
        let path = |from, to| graph.path_to(from, |symbol| symbol.name == to).map(names);
        assert_eq!(path("app.x:a", "d"), Some(vec!["a", "b", "d"]));
        assert_eq!(path("app.x:a", "a"), Some(vec!["a"]));
        assert_eq!(path("app.xy:d", "b"), Some(vec!["d", "b"]));
        assert_eq!(path("app.xy:d", "a"), None);
        assert_eq!(path("nobody", "a"), None);
    }
}
