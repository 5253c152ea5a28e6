/* Tests of the SDK, run natively. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static int checks;

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        checks++;                                                                                                     \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define T SEMFORA_TEXT
#define MINIMAL "{\"generator\": {\"version\": \"1\"}, \"repository\": {\"name\": \"x\"}, \"scope\": {}}"

static void (*evaluate)(const semfora_context *, semfora_findings *);

void semfora_evaluate(const semfora_context *context, semfora_findings *findings) {
    evaluate(context, findings);
}

static char *copy(const char *text) {
    char *found = malloc(strlen(text) + 1);
    return memcpy(found, text, strlen(text) + 1);
}

static semfora_text result(const char *document) {
    return semfora_evaluate_json(copy(document), strlen(document));
}

static bool contains(semfora_text text, const char *part) {
    size_t length = strlen(part);
    for (size_t i = 0; i + length <= text.length; i++) {
        if (memcmp(text.data + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------------- reading */

static const char *skipping(const char *document) {
    json_reader reader = json_read(copy(document), strlen(document));
    return json_skip(&reader) && json_done(&reader) ? NULL : reader.error;
}

static void test_documents(void) {
    static const char *right[] = {"0", "-0", "1.5e+3", "1E5", "\"\"", "\"\\u00e9\\n\\/\"", "[]", "[ ]", "{}", " [1 , 2]\n",
                                  "{\"a\":{\"b\":[null,true,false]}}", "\"\x7f\xc3\xa4\""};
    static const char *wrong[] = {"", " ", "nul", "truE", "01", "-", "1.", ".5", "1e", "+1", "\"", "\"\\\"", "\"\\x\"",
                                  "\"\\u12g4\"", "\"\\u123", "\"\n\"", "[", "[1", "[1,]", "[,]", "[1 2]", "{", "{\"a\"}",
                                  "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "[1]]", "[1}", "{\"a\" 1}", "'a'", "NaN"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        CHECK(skipping(right[i]) == NULL);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(skipping(wrong[i]) != NULL);
    }
}

static void test_depth(void) {
    for (int extra = 0; extra < 2; extra++) {
        int depth = JSON_MAX_DEPTH + extra;
        char document[2 * (JSON_MAX_DEPTH + 1) + 1] = "";
        memset(document, '[', depth);
        memset(document + depth, ']', depth);
        CHECK((skipping(document) == NULL) == (extra == 0));
    }
}

static bool is_text(const char *document, semfora_text wanted) {
    semfora_text found;
    json_reader reader = json_read(copy(document), strlen(document));
    return json_text(&reader, &found) && json_done(&reader) && semfora_equal(found, wanted) &&
           found.data[found.length] == '\0';
}

static void test_texts(void) {
    CHECK(is_text("\"\"", T("")));
    CHECK(is_text("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", T("a\"\\/\b\f\n\r\tz")));
    CHECK(is_text("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00!\"", T("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!")));
    CHECK(is_text("\"\\u0000b\"", T("\0b")));
    CHECK(is_text("\"\\ud83d\"", T("\xef\xbf\xbd")));
    CHECK(is_text("\"\\ude00x\"", T("\xef\xbf\xbdx")));
    CHECK(is_text("\"\\ud83d\\u0041\"", T("\xef\xbf\xbd" "A")));
}

static bool is_integer(const char *document, int64_t wanted) {
    int64_t found;
    json_reader reader = json_read(copy(document), strlen(document));
    return json_integer(&reader, &found) && json_done(&reader) && found == wanted;
}

static void test_numbers(void) {
    double number;
    CHECK(is_integer("0", 0) && is_integer(" -7 ", -7) && is_integer("2147483648", 2147483648));
    CHECK(is_integer("9223372036854775807", INT64_MAX) && is_integer("-9223372036854775808", INT64_MIN));
    CHECK(!is_integer("9223372036854775808", INT64_MIN) && !is_integer("1e3", 1000) && !is_integer("1.0", 1));
    CHECK(!is_integer("\"1\"", 1) && !is_integer("null", 0));
    json_reader reader = json_read(copy("-1.5e-3"), 7);
    CHECK(json_number(&reader, &number) && number == -1.5e-3);
}

/* ------------------------------------------------------------------------------------------------------- results */

static void find_nothing(const semfora_context *context, semfora_findings *findings) {
    (void)context, (void)findings;
}

static void find_name(const semfora_context *context, semfora_findings *findings) {
    semfora_add(findings, context->repository.name);
    semfora_recommendation *finding = semfora_add(findings, T("\"\\\n"));
    finding->confidence = 0;
    semfora_add_metric(finding, T("m"), 0.1);
}

static void find_nan(const semfora_context *context, semfora_findings *findings) {
    (void)context;
    semfora_add(findings, T("t"))->confidence = NAN;
}

static void fail(const semfora_context *context, semfora_findings *findings) {
    (void)context;
    semfora_fail(findings, T("no \"layers\"\n"));
}

static void unused(const semfora_context *context, semfora_findings *findings) {
    (void)context, (void)findings;
    CHECK(!"to be called");
}

static void test_results(void) {
    evaluate = find_nothing;
    CHECK(semfora_equal(result(MINIMAL), T("[]")));
    evaluate = find_name;
    CHECK(semfora_equal(result(MINIMAL), T("[{\"confidence\":1,\"title\":\"x\"},{\"confidence\":0,\"title\":"
                                           "\"\\\"\\\\\\u000a\",\"metrics\":{\"m\":0.10000000000000001}}]")));
    evaluate = find_nan;
    CHECK(semfora_equal(result(MINIMAL),
                        T("{\"error\":\"the recommendations cannot be written: a number is not finite\"}")));
    evaluate = fail;
    CHECK(semfora_equal(result(MINIMAL), T("{\"error\":\"no \\\"layers\\\"\\u000a\"}")));
}

static void test_wrong_contexts(void) {
    evaluate = unused;
    CHECK(semfora_equal(result("{\"symbols\": [{\"start_line\": \"one\"}]}"),
                        T("{\"error\":\"the context cannot be read: a number is needed at byte 28\"}")));
    CHECK(contains(result("[]"), "the context cannot be read: an object is needed at byte 0"));
    CHECK(contains(result("{} {}"), "there is something behind it"));
    CHECK(contains(result("{\"scope\": {\"files\": [{\"lines\": [[1]]}]}}"), "a range of two lines is needed"));
    CHECK(contains(result("{\"schema\": \"other\"}"), "its schema is 'other'"));
    CHECK(contains(result("{\"version\": 2}"), "update the plugin"));
    CHECK(contains(result("{\"version\": 0}"), "upgrade semfora-hooks"));
}

/* ---------------------------------------------------------------------------------------------- options, look-ups */

static void read_options(const semfora_context *context, semfora_findings *findings) {
    (void)findings;
    semfora_texts names = {NULL, 0};
    semfora_text text = T("before");
    int64_t integer = 7;
    double number = 7;
    bool flag = false;
    CHECK(semfora_config_texts(context, "missing", &names) && semfora_config_texts(context, "null", &names));
    CHECK(names.count == 0);
    CHECK(semfora_config_texts(context, "names", &names) && names.count == 2);
    CHECK(semfora_config_texts(context, "names", &names) && names.count == 2);
    CHECK(semfora_equal(names.items[1], T("\xc3\xa4")));
    CHECK(!semfora_config_texts(context, "mixed", &names) && !semfora_config_texts(context, "hollow", &names));
    CHECK(!semfora_config_texts(context, "text", &names) && names.count == 2);
    CHECK(semfora_config_integer(context, "null", &integer) && integer == 7);
    CHECK(semfora_config_integer(context, "integer", &integer) && integer == 12);
    CHECK(!semfora_config_integer(context, "number", &integer) && integer == 12);
    CHECK(semfora_config_number(context, "number", &number) && number == 0.5);
    CHECK(semfora_config_flag(context, "flag", &flag) && flag && !semfora_config_flag(context, "text", &flag));
    CHECK(semfora_config_text(context, "text", &text) && semfora_equal(text, T("a, b")));
    CHECK(semfora_has_capability(context, T("imports")) && !semfora_has_capability(context, T("control_flow")));
}

static void test_options(void) {
    evaluate = read_options;
    CHECK(semfora_equal(result("{\"generator\": {\"capabilities\": [\"imports\"]}, \"config\": {\"names\": [\"a\", \"\\u00e4\"], "
                               "\"null\": null, \"mixed\": [\"a\", 1], \"hollow\": [\"a\", null], \"integer\": 12, "
                               "\"number\": 0.5, \"flag\": true, \"text\": \"a, b\"}}"),
                        T("[]")));
}

static size_t length_to(const semfora_graph *graph, const char *id) {
    size_t found = 0;
    semfora_text text = {id, strlen(id)};
    for (const semfora_call *call = semfora_call_to(graph, text); call; call = semfora_next_call_to(graph, call)) {
        found = found * 10 + (size_t)call->line;
    }
    return found;
}

static size_t length_from(const semfora_graph *graph, const char *id) {
    size_t found = 0;
    semfora_text text = {id, strlen(id)};
    for (const semfora_call *call = semfora_call_from(graph, text); call; call = semfora_next_call_from(graph, call)) {
        found = found * 10 + (size_t)call->line;
    }
    return found;
}

static void look_up(const semfora_context *context, semfora_findings *findings) {
    (void)findings;
    semfora_graph *graph = semfora_index(context);
    const semfora_symbol *caller, *callee;
    CHECK(semfora_find(graph, T("b")) == &context->symbols.items[1] && semfora_find(graph, T("gone")) == NULL);
    CHECK(length_to(graph, "b") == 1256 && length_from(graph, "a") == 1234);
    CHECK(length_to(graph, "a") == 0 && length_from(graph, "b") == 0 && length_to(graph, "") == 0);
    static const bool wanted[] = {true, true, false, false, true, false};
    for (size_t i = 0; i < context->calls.count; i++) {
        CHECK(semfora_ends(graph, &context->calls.items[i], &caller, &callee) == wanted[i]);
    }
    CHECK(semfora_ends(graph, &context->calls.items[4], &caller, &callee));
    CHECK(semfora_equal(caller->id, T("c")) && semfora_equal(callee->id, T("b")));
}

static void test_graph(void) {
    evaluate = look_up;
    CHECK(semfora_equal(
        result("{\"symbols\": [{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"c\"}], \"calls\": ["
               "{\"caller\": \"a\", \"callee\": \"b\", \"line\": 1}, {\"caller\": \"a\", \"callee\": \"b\", \"line\": 2}, "
               "{\"caller\": \"a\", \"callee\": \"gone\", \"line\": 3}, {\"caller\": \"a\", \"external\": \"p\", \"line\": 4}, "
               "{\"caller\": \"c\", \"callee\": \"b\", \"line\": 5}, {\"caller\": \"gone\", \"callee\": \"b\", \"line\": 6}]}"),
        T("[]")));
}

static void test_map(void) {
    semfora_map map = {0};
    size_t value = 0;
    CHECK(!semfora_map_get(&map, T("a"), &value));
    for (size_t i = 0; i < 1000; i++) {
        CHECK(semfora_map_add(&map, SEMFORA_JOIN(T("key\0"), semfora_decimal((int64_t)i)), i));
    }
    CHECK(semfora_map_add(&map, (semfora_text){NULL, 0}, 5) && !semfora_map_add(&map, T(""), 6));
    for (size_t i = 0; i < 1000; i++) {
        CHECK(!semfora_map_add(&map, SEMFORA_JOIN(T("key\0"), semfora_decimal((int64_t)i)), 0));
        CHECK(semfora_map_get(&map, SEMFORA_JOIN(T("key\0"), semfora_decimal((int64_t)i)), &value) && value == i);
    }
    CHECK(map.count == 1001 && !semfora_map_get(&map, T("key"), NULL));
}

static void test_split(void) {
    semfora_text rest = T("a..b"), part;
    CHECK(semfora_split(&rest, '.', &part) && semfora_equal(part, T("a")));
    CHECK(semfora_split(&rest, '.', &part) && semfora_equal(part, T("")));
    CHECK(semfora_split(&rest, '.', &part) && semfora_equal(part, T("b")));
    CHECK(!semfora_split(&rest, '.', &part));
}

int main(void) {
    test_documents();
    test_depth();
    test_texts();
    test_numbers();
    test_results();
    test_wrong_contexts();
    test_options();
    test_graph();
    test_map();
    test_split();
    printf("%d checks passed\n", checks);
    return 0;
}
