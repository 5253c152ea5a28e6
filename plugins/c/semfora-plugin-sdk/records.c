#include "records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a field is stored. */
typedef enum { TEXT, INTEGER, NUMBER, FLAG, ANSWER, TEXTS, RANGES, OBJECT, LIST, MEASURES, RAW } kind;

typedef struct {
    const char *name; /* in JSON */
    kind kind;
    bool is_always_written;
    size_t offset;
    const record *type; /* of an OBJECT, or of a LIST's items */
} field;

struct record {
    size_t size, count;
    const field *fields;
};

#define FIELDS(name, ...) static const field name##_fields[] = {__VA_ARGS__};
#define RECORD(name, type) {sizeof(type), sizeof(name##_fields) / sizeof(field), name##_fields}
#define NEEDED(type, kind, member) {#member, kind, true, offsetof(type, member), NULL}
#define FIELD(type, kind, member) {#member, kind, false, offsetof(type, member), NULL}
#define NAMED(type, kind, member, name) {name, kind, false, offsetof(type, member), NULL}
#define INNER(type, kind, member, inner) {#member, kind, false, offsetof(type, member), &inner##_record}

/* clang-format off */
FIELDS(generator,
       FIELD(semfora_generator, TEXT, name),
       NEEDED(semfora_generator, TEXT, version),
       FIELD(semfora_generator, TEXTS, capabilities))
static const record generator_record = RECORD(generator, semfora_generator);
FIELDS(repository,
       NEEDED(semfora_repository, TEXT, name),
       FIELD(semfora_repository, TEXT, head))
static const record repository_record = RECORD(repository, semfora_repository);
FIELDS(changed_file,
       NEEDED(semfora_changed_file, TEXT, path),
       NEEDED(semfora_changed_file, TEXT, change),
       FIELD(semfora_changed_file, TEXT, old_path),
       FIELD(semfora_changed_file, RANGES, lines))
static const record changed_file_record = RECORD(changed_file, semfora_changed_file);
FIELDS(scope,
       FIELD(semfora_scope, TEXT, kind),
       FIELD(semfora_scope, TEXT, base_ref),
       INNER(semfora_scope, LIST, files, changed_file),
       FIELD(semfora_scope, TEXTS, symbols))
static const record scope_record = RECORD(scope, semfora_scope);
FIELDS(argument,
       NEEDED(semfora_argument, TEXT, name),
       FIELD(semfora_argument, TEXT, type),
       NAMED(semfora_argument, TEXT, default_value, "default"),
       NEEDED(semfora_argument, TEXT, kind))
static const record argument_record = RECORD(argument, semfora_argument);
FIELDS(control_flow,
       NAMED(semfora_control_flow, INTEGER, ifs, "if"),
       NAMED(semfora_control_flow, INTEGER, elifs, "elif"),
       NAMED(semfora_control_flow, INTEGER, elses, "else"),
       NAMED(semfora_control_flow, INTEGER, fors, "for"),
       NAMED(semfora_control_flow, INTEGER, whiles, "while"),
       NAMED(semfora_control_flow, INTEGER, matches, "match"),
       NAMED(semfora_control_flow, INTEGER, cases, "case"),
       NAMED(semfora_control_flow, INTEGER, tries, "try"),
       NAMED(semfora_control_flow, INTEGER, excepts, "except"),
       NAMED(semfora_control_flow, INTEGER, finallies, "finally"),
       NAMED(semfora_control_flow, INTEGER, withs, "with"),
       NAMED(semfora_control_flow, INTEGER, raises, "raise"),
       NAMED(semfora_control_flow, INTEGER, returns, "return"),
       NAMED(semfora_control_flow, INTEGER, yields, "yield"),
       NAMED(semfora_control_flow, INTEGER, awaits, "await"),
       NAMED(semfora_control_flow, INTEGER, ternaries, "ternary"),
       NAMED(semfora_control_flow, INTEGER, booleans, "boolean"),
       NAMED(semfora_control_flow, INTEGER, comprehensions, "comprehension"),
       NAMED(semfora_control_flow, INTEGER, lambdas, "lambda"),
       NAMED(semfora_control_flow, INTEGER, asserts, "assert"))
static const record control_flow_record = RECORD(control_flow, semfora_control_flow);
FIELDS(metrics,
       FIELD(semfora_metrics, INTEGER, cognitive_complexity),
       FIELD(semfora_metrics, INTEGER, cyclomatic_complexity),
       FIELD(semfora_metrics, INTEGER, nesting_depth),
       FIELD(semfora_metrics, INTEGER, loc),
       FIELD(semfora_metrics, INTEGER, fan_in),
       FIELD(semfora_metrics, INTEGER, fan_out),
       FIELD(semfora_metrics, INTEGER, callers_count),
       FIELD(semfora_metrics, INTEGER, argument_count))
static const record metrics_record = RECORD(metrics, semfora_metrics);
FIELDS(type_check,
       NEEDED(semfora_type_check, TEXT, name),
       FIELD(semfora_type_check, TEXTS, types),
       FIELD(semfora_type_check, INTEGER, branches),
       FIELD(semfora_type_check, FLAG, guard))
static const record type_check_record = RECORD(type_check, semfora_type_check);
FIELDS(symbol,
       NEEDED(semfora_symbol, TEXT, id),
       NEEDED(semfora_symbol, TEXT, name),
       NEEDED(semfora_symbol, TEXT, qualified_name),
       NEEDED(semfora_symbol, TEXT, kind),
       NEEDED(semfora_symbol, TEXT, module),
       NEEDED(semfora_symbol, TEXT, file),
       NEEDED(semfora_symbol, INTEGER, start_line),
       NEEDED(semfora_symbol, INTEGER, end_line),
       NEEDED(semfora_symbol, INTEGER, start_column),
       NEEDED(semfora_symbol, TEXT, language),
       FIELD(semfora_symbol, TEXT, parent),
       FIELD(semfora_symbol, FLAG, is_exported),
       FIELD(semfora_symbol, FLAG, is_async),
       FIELD(semfora_symbol, FLAG, is_test),
       FIELD(semfora_symbol, FLAG, is_generated),
       FIELD(semfora_symbol, FLAG, is_stub),
       FIELD(semfora_symbol, TEXTS, decorators),
       FIELD(semfora_symbol, TEXTS, base_classes),
       FIELD(semfora_symbol, TEXT, return_type),
       INNER(semfora_symbol, LIST, arguments, argument),
       INNER(semfora_symbol, OBJECT, control_flow, control_flow),
       INNER(semfora_symbol, OBJECT, metrics, metrics),
       NEEDED(semfora_symbol, TEXT, entry_point),
       NEEDED(semfora_symbol, TEXT, reachability),
       INNER(semfora_symbol, LIST, type_checks, type_check),
       FIELD(semfora_symbol, ANSWER, returns_none))
static const record symbol_record = RECORD(symbol, semfora_symbol);
FIELDS(call,
       NEEDED(semfora_call, TEXT, caller),
       FIELD(semfora_call, TEXT, callee),
       FIELD(semfora_call, TEXT, external),
       NEEDED(semfora_call, INTEGER, count),
       NEEDED(semfora_call, INTEGER, line),
       NEEDED(semfora_call, TEXT, resolution),
       FIELD(semfora_call, FLAG, in_try),
       FIELD(semfora_call, FLAG, is_awaited))
static const record call_record = RECORD(call, semfora_call);
FIELDS(module,
       NEEDED(semfora_module, TEXT, name),
       NEEDED(semfora_module, INTEGER, files),
       FIELD(semfora_module, INTEGER, symbols),
       FIELD(semfora_module, INTEGER, loc),
       FIELD(semfora_module, TEXTS, imports),
       FIELD(semfora_module, TEXTS, external_imports),
       FIELD(semfora_module, INTEGER, afferent_coupling),
       FIELD(semfora_module, INTEGER, efferent_coupling),
       FIELD(semfora_module, NUMBER, instability))
static const record module_record = RECORD(module, semfora_module);
FIELDS(duplicate,
       NEEDED(semfora_duplicate, TEXTS, symbols),
       NEEDED(semfora_duplicate, NUMBER, similarity),
       NEEDED(semfora_duplicate, TEXT, kind),
       FIELD(semfora_duplicate, INTEGER, tokens),
       FIELD(semfora_duplicate, FLAG, identical))
static const record duplicate_record = RECORD(duplicate, semfora_duplicate);
FIELDS(symbol_ref,
       NEEDED(semfora_symbol_ref, TEXT, id),
       NEEDED(semfora_symbol_ref, TEXT, name),
       NEEDED(semfora_symbol_ref, TEXT, file),
       FIELD(semfora_symbol_ref, TEXT, module),
       FIELD(semfora_symbol_ref, INTEGER, start_line),
       FIELD(semfora_symbol_ref, INTEGER, end_line),
       FIELD(semfora_symbol_ref, INTEGER, start_column))
static const record symbol_ref_record = RECORD(symbol_ref, semfora_symbol_ref);
FIELDS(evidence,
       NEEDED(semfora_evidence, TEXT, kind),
       NEEDED(semfora_evidence, TEXT, text),
       FIELD(semfora_evidence, TEXT, symbol),
       FIELD(semfora_evidence, TEXT, file),
       FIELD(semfora_evidence, INTEGER, line))
static const record evidence_record = RECORD(evidence, semfora_evidence);
FIELDS(context,
       NEEDED(semfora_context, TEXT, schema),
       NEEDED(semfora_context, INTEGER, version),
       INNER(semfora_context, OBJECT, generator, generator),
       INNER(semfora_context, OBJECT, repository, repository),
       INNER(semfora_context, OBJECT, scope, scope),
       FIELD(semfora_context, RAW, config),
       INNER(semfora_context, LIST, symbols, symbol),
       INNER(semfora_context, LIST, calls, call),
       INNER(semfora_context, LIST, modules, module),
       INNER(semfora_context, LIST, duplicates, duplicate))
const record context_record = RECORD(context, semfora_context);
FIELDS(recommendation,
       FIELD(semfora_recommendation, TEXT, id),
       FIELD(semfora_recommendation, TEXT, rule_id),
       FIELD(semfora_recommendation, TEXT, group),
       FIELD(semfora_recommendation, TEXT, category),
       FIELD(semfora_recommendation, TEXT, severity),
       NEEDED(semfora_recommendation, NUMBER, confidence),
       NEEDED(semfora_recommendation, TEXT, title),
       FIELD(semfora_recommendation, TEXT, description),
       INNER(semfora_recommendation, LIST, symbols, symbol_ref),
       FIELD(semfora_recommendation, TEXT, suggestion),
       INNER(semfora_recommendation, LIST, evidence, evidence),
       FIELD(semfora_recommendation, MEASURES, metrics),
       FIELD(semfora_recommendation, TEXT, discriminator),
       FIELD(semfora_recommendation, TEXT, fingerprint))
const record recommendation_record = RECORD(recommendation, semfora_recommendation);
/* clang-format on */

/* Every list of the contract: items and their number. */
typedef struct {
    void *items;
    size_t count;
} list;

void *grow(void *target, size_t size) {
    list *found = target;
    if ((found->count & (found->count - 1)) == 0) { /* 0 and powers of two: it is full */
        size_t capacity = found->count == 0 ? 1 : found->count * 2;
        void *items = semfora_allocate(capacity * size);
        if (found->count > 0) {
            memcpy(items, found->items, found->count * size);
        }
        free(found->items);
        found->items = items;
    }
    return memset((char *)found->items + found->count++ * size, 0, size);
}

/* ------------------------------------------------------------------------------------------------------- reading */

bool read_texts(json_reader *reader, semfora_texts *target) {
    bool is_first = true;
    while (json_item(reader, &is_first)) {
        semfora_text *text = grow(target, sizeof(semfora_text));
        if (!json_text(reader, text)) {
            return false;
        }
    }
    return reader->error == NULL;
}

bool read_list(json_reader *reader, const record *type, void *target) {
    bool is_first = true;
    while (json_item(reader, &is_first)) {
        if (!read_record(reader, type, grow(target, type->size))) {
            return false;
        }
    }
    return reader->error == NULL;
}

static bool read_ranges(json_reader *reader, semfora_ranges *target) {
    bool is_first = true;
    while (json_item(reader, &is_first)) {
        semfora_range *range = grow(target, sizeof(semfora_range));
        bool is_opening = true;
        if (!json_item(reader, &is_opening) || !json_integer(reader, &range->first) ||
            !json_item(reader, &is_opening) || !json_integer(reader, &range->last) || json_item(reader, &is_opening)) {
            return json_fail(reader, "a range of two lines is needed");
        }
    }
    return reader->error == NULL;
}

static bool read_measures(json_reader *reader, semfora_measures *target) {
    bool is_first = true;
    semfora_text name;
    while (json_key(reader, &is_first, &name)) {
        semfora_measure *measure = grow(target, sizeof(semfora_measure));
        measure->name = name;
        if (!json_number(reader, &measure->value)) {
            return false;
        }
    }
    return reader->error == NULL;
}

static bool read_raw(json_reader *reader, semfora_text *target) {
    char *start = json_peek(reader) == 0 ? NULL : reader->at;
    bool is_read = json_skip(reader);
    *target = (semfora_text){start, is_read ? (size_t)(reader->at - start) : 0};
    return is_read;
}

static bool read_field(json_reader *reader, const field *field, void *target) {
    bool flag;
    if (json_peek(reader) == 'n') {
        return json_null(reader);
    }
    switch (field->kind) {
    case TEXT:
        return json_text(reader, target);
    case INTEGER:
        return json_integer(reader, target);
    case NUMBER:
        return json_number(reader, target);
    case FLAG:
        return json_flag(reader, target);
    case ANSWER:
        if (!json_flag(reader, &flag)) {
            return false;
        }
        *(semfora_answer *)target = flag ? SEMFORA_YES : SEMFORA_NO;
        return true;
    case TEXTS:
        return read_texts(reader, target);
    case RANGES:
        return read_ranges(reader, target);
    case OBJECT:
        return read_record(reader, field->type, target);
    case LIST:
        return read_list(reader, field->type, target);
    case MEASURES:
        return read_measures(reader, target);
    case RAW:
        return read_raw(reader, target);
    }
    return json_fail(reader, "a field has no kind");
}

/* The field of this name. They come in their order most of the time, so the search starts behind the last one. */
static const field *find_field(const record *type, semfora_text name, size_t *expected) {
    for (size_t step = 0; step < type->count; step++) {
        size_t position = (*expected + step) % type->count;
        const field *field = &type->fields[position];
        if (strncmp(field->name, name.data, name.length) == 0 && field->name[name.length] == '\0') {
            *expected = position + 1;
            return field;
        }
    }
    return NULL;
}

bool read_record(json_reader *reader, const record *type, void *target) {
    bool is_first = true;
    semfora_text name;
    size_t expected = 0;
    while (json_key(reader, &is_first, &name)) {
        const field *field = find_field(type, name, &expected);
        bool is_read = field == NULL ? json_skip(reader) : read_field(reader, field, (char *)target + field->offset);
        if (!is_read) {
            return false;
        }
    }
    return reader->error == NULL;
}

/* ------------------------------------------------------------------------------------------------------- writing */

void write_bytes(json_writer *writer, const char *data, size_t length) {
    if (writer->capacity - writer->length < length) {
        size_t capacity = (writer->length + length) * 2;
        char *larger = semfora_allocate(capacity);
        if (writer->length > 0) {
            memcpy(larger, writer->data, writer->length);
        }
        free(writer->data);
        writer->data = larger;
        writer->capacity = capacity;
    }
    if (length > 0) {
        memcpy(writer->data + writer->length, data, length);
    }
    writer->length += length;
}

static void write_word(json_writer *writer, const char *word) {
    write_bytes(writer, word, strlen(word));
}

void write_text(json_writer *writer, semfora_text text) {
    static const char hexadecimal[] = "0123456789abcdef";
    write_word(writer, "\"");
    size_t plain = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char letter = (unsigned char)text.data[i];
        if (letter >= 0x20 && letter != '"' && letter != '\\') {
            continue;
        }
        write_bytes(writer, text.data + plain, i - plain);
        plain = i + 1;
        char escape[] = {'\\', 'u', '0', '0', hexadecimal[letter >> 4], hexadecimal[letter & 15]};
        if (letter >= 0x20) {
            escape[1] = (char)letter;
        }
        write_bytes(writer, escape, letter >= 0x20 ? 2 : sizeof escape);
    }
    write_bytes(writer, text.data + plain, text.length - plain);
    write_word(writer, "\"");
}

static void write_number(json_writer *writer, double value) {
    if (!isfinite(value)) {
        writer->error = "a number is not finite";
        return;
    }
    char digits[32];
    write_bytes(writer, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", value));
}

static void write_integer(json_writer *writer, int64_t value) {
    semfora_text digits = semfora_decimal(value);
    write_bytes(writer, digits.data, digits.length);
}

void write_list(json_writer *writer, const record *type, const void *source) {
    const list *found = source;
    write_word(writer, "[");
    for (size_t i = 0; i < found->count; i++) {
        write_word(writer, i == 0 ? "" : ",");
        write_record(writer, type, (const char *)found->items + i * type->size);
    }
    write_word(writer, "]");
}

static void write_texts(json_writer *writer, const semfora_texts *texts) {
    write_word(writer, "[");
    for (size_t i = 0; i < texts->count; i++) {
        write_word(writer, i == 0 ? "" : ",");
        write_text(writer, texts->items[i]);
    }
    write_word(writer, "]");
}

static void write_ranges(json_writer *writer, const semfora_ranges *ranges) {
    write_word(writer, "[");
    for (size_t i = 0; i < ranges->count; i++) {
        write_word(writer, i == 0 ? "[" : ",[");
        write_integer(writer, ranges->items[i].first);
        write_word(writer, ",");
        write_integer(writer, ranges->items[i].last);
        write_word(writer, "]");
    }
    write_word(writer, "]");
}

static void write_measures(json_writer *writer, const semfora_measures *measures) {
    write_word(writer, "{");
    for (size_t i = 0; i < measures->count; i++) {
        write_word(writer, i == 0 ? "" : ",");
        write_text(writer, measures->items[i].name);
        write_word(writer, ":");
        write_number(writer, measures->items[i].value);
    }
    write_word(writer, "}");
}

static void write_field(json_writer *writer, const field *field, const void *source) {
    switch (field->kind) {
    case TEXT:
        write_text(writer, *(const semfora_text *)source);
        return;
    case INTEGER:
        write_integer(writer, *(const int64_t *)source);
        return;
    case NUMBER:
        write_number(writer, *(const double *)source);
        return;
    case FLAG:
        write_word(writer, *(const bool *)source ? "true" : "false");
        return;
    case ANSWER:
        write_word(writer, *(const semfora_answer *)source == SEMFORA_YES ? "true" : "false");
        return;
    case TEXTS:
        write_texts(writer, source);
        return;
    case RANGES:
        write_ranges(writer, source);
        return;
    case OBJECT:
        write_record(writer, field->type, source);
        return;
    case LIST:
        write_list(writer, field->type, source);
        return;
    case MEASURES:
        write_measures(writer, source);
        return;
    case RAW:
        write_bytes(writer, ((const semfora_text *)source)->data, ((const semfora_text *)source)->length);
        return;
    }
}

static bool is_zero(const field *field, const void *source) {
    switch (field->kind) {
    case TEXT:
    case RAW:
        return ((const semfora_text *)source)->length == 0;
    case INTEGER:
        return *(const int64_t *)source == 0;
    case NUMBER:
        return *(const double *)source == 0;
    case FLAG:
        return !*(const bool *)source;
    case ANSWER:
        return *(const semfora_answer *)source == SEMFORA_UNKNOWN;
    case OBJECT:
        return false;
    case TEXTS:
    case RANGES:
    case LIST:
    case MEASURES:
        return ((const list *)source)->count == 0;
    }
    return false;
}

void write_record(json_writer *writer, const record *type, const void *source) {
    const char *separator = "{";
    for (size_t i = 0; i < type->count; i++) {
        const field *field = &type->fields[i];
        const char *place = (const char *)source + field->offset;
        if (field->is_always_written || !is_zero(field, place)) {
            write_word(writer, separator);
            write_text(writer, (semfora_text){field->name, strlen(field->name)});
            write_word(writer, ":");
            write_field(writer, field, place);
            separator = ",";
        }
    }
    write_word(writer, *separator == '{' ? "{}" : "}");
}
