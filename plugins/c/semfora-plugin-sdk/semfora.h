/* Write plugins of semfora-hooks in C: define semfora_evaluate, and build it together with semfora.c and json.c.

   The types follow contract 1. What a context leaves out is zero: an empty text, 0, false, an empty list; but scope.kind
   is "repo", and generator.name "semfora-hooks". Fields of a later contract are ignored. Lines and columns are 1-based, ranges inclusive; paths are relative to the repository,
   with '/'. All memory is the plugin's until the host drops it: nothing has to be freed. */

#ifndef SEMFORA_H
#define SEMFORA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ------------------------------------------------------------------------------------------------------- texts */

/* UTF-8. There is a zero byte behind it, and there may be some inside. */
typedef struct {
    const char *data;
    size_t length;
} semfora_text;

/* A literal as a text. */
#define SEMFORA_TEXT(literal) ((semfora_text){"" literal, sizeof(literal) - 1})

/* All the texts, one behind the other. */
#define SEMFORA_JOIN(...)                                                                                             \
    semfora_join((const semfora_text[]){__VA_ARGS__}, sizeof((const semfora_text[]){__VA_ARGS__}) / sizeof(semfora_text))

semfora_text semfora_join(const semfora_text *parts, size_t count);
semfora_text semfora_decimal(int64_t number);
bool semfora_equal(semfora_text left, semfora_text right);
/* The part of *rest before the first separator; *rest becomes what is behind it. False where nothing was left. */
bool semfora_split(semfora_text *rest, char separator, semfora_text *part);

typedef struct {
    semfora_text *items;
    size_t count;
} semfora_texts;

/* ----------------------------------------------------------------------------------------------------- context */

/* Who wrote a context, and what its data can be trusted to hold. */
typedef struct {
    semfora_text name, version;
    semfora_texts capabilities;
} semfora_generator;

/* The analysed repository; head is a commit, where there is one. */
typedef struct {
    semfora_text name, head;
} semfora_repository;

typedef struct {
    int64_t first, last;
} semfora_range;

typedef struct {
    semfora_range *items;
    size_t count;
} semfora_ranges;

/* A file of the change: "added", "modified", "deleted" or "renamed"; lines are ranges on the new side. */
typedef struct {
    semfora_text path, change, old_path;
    semfora_ranges lines;
} semfora_changed_file;

typedef struct {
    semfora_changed_file *items;
    size_t count;
} semfora_changed_files;

/* What the run is about: "repo", or a change ("staged", "range", "files") with the ids of the symbols it touches. */
typedef struct {
    semfora_text kind, base_ref;
    semfora_changed_files files;
    semfora_texts symbols;
} semfora_scope;

/* A parameter as written: "positional", "positional_only", "keyword_only", "var_positional" or "var_keyword". */
typedef struct {
    semfora_text name, type, default_value, kind;
} semfora_argument;

typedef struct {
    semfora_argument *items;
    size_t count;
} semfora_arguments;

/* How often each construct stands in a symbol's own body; booleans are the operators "and" and "or". */
typedef struct {
    int64_t ifs, elifs, elses, fors, whiles, matches, cases, tries, excepts, finallies, withs, raises, returns, yields,
        awaits, ternaries, booleans, comprehensions, lambdas, asserts;
} semfora_control_flow;

typedef struct {
    int64_t cognitive_complexity, cyclomatic_complexity, nesting_depth, loc, fan_in, fan_out, callers_count,
        argument_count;
} semfora_metrics;

/* The run-time type tests that a function makes on one of its names. */
typedef struct {
    semfora_text name;
    semfora_texts types;
    int64_t branches;
    bool guard;
} semfora_type_check;

typedef struct {
    semfora_type_check *items;
    size_t count;
} semfora_type_checks;

typedef enum { SEMFORA_UNKNOWN, SEMFORA_NO, SEMFORA_YES } semfora_answer;

/* A named piece of code, unique within the context. kind is "function", "method", "class", …; parent is an id;
   entry_point is "none", "cli_main", "web_route", …; reachability is "called", "entry_point", "referenced",
   "unreferenced" or "unknown". */
typedef struct {
    semfora_text id, name, qualified_name, kind, module, file;
    int64_t start_line, end_line, start_column;
    semfora_text language, parent;
    bool is_exported, is_async, is_test, is_generated, is_stub;
    semfora_texts decorators, base_classes;
    semfora_text return_type;
    semfora_arguments arguments;
    semfora_control_flow control_flow;
    semfora_metrics metrics;
    semfora_text entry_point, reachability;
    semfora_type_checks type_checks;
    semfora_answer returns_none;
} semfora_symbol;

typedef struct {
    semfora_symbol *items;
    size_t count;
} semfora_symbols;

/* Calls from one symbol to a symbol of the repository (callee, an id) or to a name outside it (external).
   resolution says how far to trust callee: "exact", "inferred" or "name". */
typedef struct {
    semfora_text caller, callee, external;
    int64_t count, line;
    semfora_text resolution;
    bool in_try, is_awaited;
} semfora_call;

typedef struct {
    semfora_call *items;
    size_t count;
} semfora_calls;

/* A module with its couplings inside the repository; instability is Robert C. Martin's Ce / (Ca + Ce). */
typedef struct {
    semfora_text name;
    int64_t files, symbols, loc;
    semfora_texts imports, external_imports;
    int64_t afferent_coupling, efferent_coupling;
    double instability;
} semfora_module;

typedef struct {
    semfora_module *items;
    size_t count;
} semfora_modules;

/* Symbols (ids) that repeat each other: "exact", "near" or "divergent". */
typedef struct {
    semfora_texts symbols;
    double similarity;
    semfora_text kind;
    int64_t tokens;
    bool identical;
} semfora_duplicate;

typedef struct {
    semfora_duplicate *items;
    size_t count;
} semfora_duplicates;

/* A repository, or the part of it that the plugin's manifest asks for. config is JSON: read it with the functions
   below. */
typedef struct {
    semfora_text schema;
    int64_t version;
    semfora_generator generator;
    semfora_repository repository;
    semfora_scope scope;
    semfora_text config;
    semfora_symbols symbols;
    semfora_calls calls;
    semfora_modules modules;
    semfora_duplicates duplicates;
} semfora_context;

/* Whether the writer can tell what capability names, such as "control_flow". If not, missing data say nothing. */
bool semfora_has_capability(const semfora_context *context, semfora_text capability);

/* An option of the manifest's config. Missing or null, *value stays as it is: set the default before. False where it is
   something else than the name of the function says. */
bool semfora_config_texts(const semfora_context *context, const char *name, semfora_texts *value);
bool semfora_config_text(const semfora_context *context, const char *name, semfora_text *value);
bool semfora_config_integer(const semfora_context *context, const char *name, int64_t *value);
bool semfora_config_number(const semfora_context *context, const char *name, double *value);
bool semfora_config_flag(const semfora_context *context, const char *name, bool *value);

/* ---------------------------------------------------------------------------------------------- recommendations */

#define SEMFORA_INFO SEMFORA_TEXT("info")
#define SEMFORA_WARNING SEMFORA_TEXT("warning")
#define SEMFORA_ERROR SEMFORA_TEXT("error")

typedef struct {
    semfora_text id, name, file, module;
    int64_t start_line, end_line, start_column;
} semfora_symbol_ref;

typedef struct {
    semfora_symbol_ref *items;
    size_t count;
} semfora_symbol_refs;

/* A fact that a finding rests on; symbol is an id. */
typedef struct {
    semfora_text kind, text, symbol, file;
    int64_t line;
} semfora_evidence;

typedef struct {
    semfora_evidence *items;
    size_t count;
} semfora_evidences;

typedef struct {
    semfora_text name;
    double value;
} semfora_measure;

typedef struct {
    semfora_measure *items;
    size_t count;
} semfora_measures;

/* One finding; what is empty the host fills in. category is "complexity", "naming", … or "custom:<name>"; confidence is
   0.0 to 1.0, derived from the evidence; discriminator tells apart findings of one rule on one symbol. */
typedef struct {
    semfora_text id, rule_id, group, category, severity;
    double confidence;
    semfora_text title, description;
    semfora_symbol_refs symbols;
    semfora_text suggestion;
    semfora_evidences evidence;
    semfora_measures metrics;
    semfora_text discriminator, fingerprint;
} semfora_recommendation;

/* What semfora_evaluate finds, or why it cannot. */
typedef struct {
    semfora_recommendation *items;
    size_t count;
    semfora_text failure;
} semfora_findings;

/* A new finding with the confidence 1. The pointer holds until the next one is added. */
semfora_recommendation *semfora_add(semfora_findings *findings, semfora_text title);
/* It is about the symbol; it is reported at the first one. */
void semfora_about(semfora_recommendation *finding, const semfora_symbol *symbol);
/* The pointer holds until more evidence is added. */
semfora_evidence *semfora_add_evidence(semfora_recommendation *finding, semfora_text kind, semfora_text text);
/* An increase makes a known finding worse. */
void semfora_add_metric(semfora_recommendation *finding, semfora_text name, double value);
/* The plugin cannot go on, for instance because of its configuration. The user reads the text; return afterwards. */
void semfora_fail(semfora_findings *findings, semfora_text reason);

/* -------------------------------------------------------------------------------------------------- look-ups */

/* Texts with numbers. All zeros is an empty map. */
typedef struct {
    semfora_text *keys;
    size_t *values;
    size_t capacity, count;
} semfora_map;

/* Whether the key is there; if so, *value (which may be NULL) becomes its number. */
bool semfora_map_get(const semfora_map *map, semfora_text key, size_t *value);
/* Whether the key is new; if not, nothing changes. */
bool semfora_map_add(semfora_map *map, semfora_text key, size_t value);

typedef struct semfora_graph semfora_graph;

/* Indexes a context. Build it once. */
semfora_graph *semfora_index(const semfora_context *context);
/* The symbol with this id, or NULL: a projection may have left it out. */
const semfora_symbol *semfora_find(const semfora_graph *graph, semfora_text id);
/* Both ends of a call; false where one of them is not in the context. */
bool semfora_ends(const semfora_graph *graph, const semfora_call *call, const semfora_symbol **caller,
                  const semfora_symbol **callee);
/* The calls that reach a symbol, or that it makes, in the order of the context:
   for (const semfora_call *call = semfora_call_to(graph, id); call; call = semfora_next_call_to(graph, call)) … */
const semfora_call *semfora_call_to(const semfora_graph *graph, semfora_text id);
const semfora_call *semfora_next_call_to(const semfora_graph *graph, const semfora_call *call);
const semfora_call *semfora_call_from(const semfora_graph *graph, semfora_text id);
const semfora_call *semfora_next_call_from(const semfora_graph *graph, const semfora_call *call);

/* ---------------------------------------------------------------------------------------------------- plugins */

/* The plugin: yours to write. The same context must give the same findings. */
void semfora_evaluate(const semfora_context *context, semfora_findings *findings);

/* Ends the evaluation; the user reads the text and where it stands. */
#define SEMFORA_PANIC(literal) semfora_panic("" literal, __FILE__, __LINE__)
/* Ends it where the condition does not hold. */
#define SEMFORA_ASSERT(condition) ((condition) ? (void)0 : semfora_panic("assertion failed: " #condition, __FILE__, __LINE__))

_Noreturn void semfora_panic(const char *message, const char *file, int line);

/* Writes a line for the plugin's author, which the host shows where the plugin fails. */
void semfora_log(semfora_text line);

/* Memory, or the end of the evaluation where there is none. */
void *semfora_allocate(size_t size);

/* What the host gets for a document: an array of recommendations, or {"error": …}. The document is changed, and has room
   for one byte more. For tests too, which run natively. */
semfora_text semfora_evaluate_json(char *document, size_t length);

/* Reads a document through the types and writes it again: a context, or recommendations. For tests of the SDK. */
semfora_text semfora_echo_json(char *document, size_t length, bool is_context);

#endif
