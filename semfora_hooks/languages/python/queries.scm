; What the walker needs to know about Python, by capture name. Order does not matter: captures are sorted by position.

(decorated_definition) @decorated
(decorator) @decorator
(function_definition) @function
(class_definition) @class
(lambda) @lambda
(type_alias_statement) @type_alias
(block) @block

(if_statement) @if
(elif_clause) @elif
(else_clause) @else
(for_statement) @for
(while_statement) @while
(try_statement) @try
(except_clause) @except
(finally_clause) @finally
(with_statement) @with
(match_statement) @match
(case_clause) @case
(conditional_expression) @ternary
(boolean_operator) @boolean
(list_comprehension) @comprehension
(set_comprehension) @comprehension
(dictionary_comprehension) @comprehension
(generator_expression) @comprehension
(raise_statement) @raise
(assert_statement) @assert
(return_statement) @return
(yield) @yield

(await) @await
(call) @call
(import_statement) @import
(import_from_statement) @import_from
(assignment right: [(call) (identifier) (lambda)]) @binding

; Names that are bound in other ways, so that they hide what a name outside means. What is nested deeper, or may stand in
; many places, is a `binder`, and read by the spec: to compile such a pattern takes a millisecond or two of every run.
(assignment left: [(identifier) @bound (pattern_list (identifier) @bound)])
(augmented_assignment left: (identifier) @bound)
(for_statement left: [(identifier) @bound (pattern_list (identifier) @bound)])
(case_pattern (dotted_name . (identifier) @bound .))
(tuple_pattern) @binder
(list_pattern) @binder
(list_splat_pattern) @binder
(as_pattern_target) @binder
(as_pattern) @binder
(named_expression) @binder
(global_statement (identifier) @global)
(nonlocal_statement (identifier) @nonlocal)

(comment) @comment
; Strings that are statements: docstrings, of attributes too, and other text that does nothing.
(expression_statement . (string) .) @docstring
