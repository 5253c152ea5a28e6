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
(assignment right: (call)) @binding
(assignment right: (identifier)) @binding
(assignment right: (lambda)) @binding

; Names that are bound in other ways, so that they hide what a name outside means.
(assignment left: (identifier) @bound)
(assignment left: (pattern_list (identifier) @bound))
(augmented_assignment left: (identifier) @bound)
(for_statement left: (identifier) @bound)
(for_statement left: (pattern_list (identifier) @bound))
(tuple_pattern (identifier) @bound)
(list_pattern (identifier) @bound)
(list_splat_pattern (identifier) @bound)
(as_pattern_target (identifier) @bound)
(as_pattern_target (tuple (identifier) @bound))
(as_pattern (case_pattern) (identifier) @bound)
(case_pattern (dotted_name . (identifier) @bound .))
(named_expression name: (identifier) @bound)
(global_statement (identifier) @global)
(nonlocal_statement (identifier) @nonlocal)

(comment) @comment
(module . (comment)* . (expression_statement . (string) .) @docstring)
(block . (comment)* . (expression_statement . (string) .) @docstring)
