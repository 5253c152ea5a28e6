#include "semfora.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

/* --------------------------------------------------------------------------------------------- memory and texts */

void *semfora_allocate(size_t size) {
    void *found = malloc(size == 0 ? 1 : size);
    if (found == NULL) {
        __builtin_trap(); /* the host knows how much memory there was, and says so */
    }
    return found;
}

semfora_text semfora_join(const semfora_text *parts, size_t count) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += parts[i].length;
    }
    char *joined = semfora_allocate(length + 1), *at = joined;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > 0) {
            memcpy(at, parts[i].data, parts[i].length);
        }
        at += parts[i].length;
    }
    *at = '\0';
    return (semfora_text){joined, length};
}

semfora_text semfora_decimal(int64_t number) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    semfora_text text = {digits, (size_t)length};
    return semfora_join(&text, 1);
}

bool semfora_equal(semfora_text left, semfora_text right) {
    return left.length == right.length && (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}

bool semfora_split(semfora_text *rest, char separator, semfora_text *part) {
    if (rest->data == NULL) {
        return false;
    }
    const char *end = memchr(rest->data, separator, rest->length);
    if (end == NULL) {
        *part = *rest;
        *rest = (semfora_text){NULL, 0};
        return true;
    }
    size_t length = (size_t)(end - rest->data);
    *part = (semfora_text){rest->data, length};
    *rest = (semfora_text){end + 1, rest->length - length - 1};
    return true;
}

/* ------------------------------------------------------------------------------------------------- configuration */

bool semfora_has_capability(const semfora_context *context, semfora_text capability) {
    for (size_t i = 0; i < context->generator.capabilities.count; i++) {
        if (semfora_equal(context->generator.capabilities.items[i], capability)) {
            return true;
        }
    }
    return false;
}

/* A reader in front of an option that is there and not null. It reads a copy: reading changes a document. */
static bool option(const semfora_context *context, const char *name, json_reader *reader) {
    if (context->config.length == 0) {
        return false;
    }
    semfora_text copy = semfora_join(&context->config, 1);
    json_reader search = json_read((char *)copy.data, copy.length);
    bool is_first = true, is_found = false;
    semfora_text key;
    while (json_key(&search, &is_first, &key)) {
        if (semfora_equal(key, (semfora_text){name, strlen(name)})) {
            *reader = search;
            is_found = json_peek(&search) != 'n';
        }
        if (!json_skip(&search)) {
            return false;
        }
    }
    return is_found;
}

bool semfora_config_texts(const semfora_context *context, const char *name, semfora_texts *value) {
    json_reader reader;
    if (!option(context, name, &reader)) {
        return true;
    }
    semfora_texts found = {NULL, 0};
    bool is_right = read_texts(&reader, &found);
    *value = is_right ? found : *value;
    return is_right;
}

bool semfora_config_text(const semfora_context *context, const char *name, semfora_text *value) {
    json_reader reader;
    return !option(context, name, &reader) || json_text(&reader, value);
}

bool semfora_config_integer(const semfora_context *context, const char *name, int64_t *value) {
    json_reader reader;
    int64_t found;
    if (!option(context, name, &reader)) {
        return true;
    }
    bool is_right = json_integer(&reader, &found);
    *value = is_right ? found : *value;
    return is_right;
}

bool semfora_config_number(const semfora_context *context, const char *name, double *value) {
    json_reader reader;
    return !option(context, name, &reader) || json_number(&reader, value);
}

bool semfora_config_flag(const semfora_context *context, const char *name, bool *value) {
    json_reader reader;
    return !option(context, name, &reader) || json_flag(&reader, value);
}

/* ------------------------------------------------------------------------------------------------------ findings */

semfora_recommendation *semfora_add(semfora_findings *findings, semfora_text title) {
    semfora_recommendation *finding = grow(findings, sizeof(semfora_recommendation));
    finding->title = title;
    finding->confidence = 1;
    return finding;
}

void semfora_about(semfora_recommendation *finding, const semfora_symbol *symbol) {
    semfora_symbol_ref *reference = grow(&finding->symbols, sizeof(semfora_symbol_ref));
    *reference = (semfora_symbol_ref){symbol->id,         symbol->name,     symbol->file,        symbol->module,
                                      symbol->start_line, symbol->end_line, symbol->start_column};
}

semfora_evidence *semfora_add_evidence(semfora_recommendation *finding, semfora_text kind, semfora_text text) {
    semfora_evidence *evidence = grow(&finding->evidence, sizeof(semfora_evidence));
    evidence->kind = kind;
    evidence->text = text;
    return evidence;
}

void semfora_add_metric(semfora_recommendation *finding, semfora_text name, double value) {
    semfora_measure *measure = grow(&finding->metrics, sizeof(semfora_measure));
    *measure = (semfora_measure){name, value};
}

void semfora_fail(semfora_findings *findings, semfora_text reason) {
    findings->failure = reason.length > 0 ? reason : SEMFORA_TEXT("the plugin failed without a reason");
}

/* ---------------------------------------------------------------------------------------------------- evaluation */

static semfora_text failure(semfora_text reason) {
    json_writer writer = {NULL, 0, 0, NULL};
    write_bytes(&writer, "{\"error\":", 9);
    write_text(&writer, reason);
    write_bytes(&writer, "}", 1);
    return (semfora_text){writer.data, writer.length};
}

static semfora_text literal(const char *text) {
    return (semfora_text){text, strlen(text)};
}

static semfora_text unreadable(const json_reader *reader) {
    return failure(SEMFORA_JOIN(SEMFORA_TEXT("the context cannot be read: "), literal(reader->error),
                                SEMFORA_TEXT(" at byte "), semfora_decimal(reader->at - reader->start)));
}

static semfora_text written(const json_writer *writer) {
    if (writer->error != NULL) {
        return failure(SEMFORA_JOIN(SEMFORA_TEXT("the recommendations cannot be written: "), literal(writer->error)));
    }
    return (semfora_text){writer->data, writer->length};
}

/* What a document has that leaves everything out. */
static semfora_context defaults(void) {
    return (semfora_context){.schema = SEMFORA_TEXT("semfora.suggest_context"),
                             .version = 1,
                             .generator.name = SEMFORA_TEXT("semfora-hooks"),
                             .scope.kind = SEMFORA_TEXT("repo")};
}

semfora_text semfora_evaluate_json(char *document, size_t length) {
    semfora_context context = defaults();
    const semfora_text schema = context.schema;
    json_reader reader = json_read(document, length);
    if (!read_record(&reader, &context_record, &context) || !json_done(&reader)) {
        return unreadable(&reader);
    }
    if (!semfora_equal(context.schema, schema)) {
        return failure(SEMFORA_JOIN(SEMFORA_TEXT("not a context document: its schema is '"), context.schema,
                                    SEMFORA_TEXT("'")));
    }
    if (context.version != 1) {
        return failure(SEMFORA_JOIN(SEMFORA_TEXT("the context has contract version "), semfora_decimal(context.version),
                                    SEMFORA_TEXT(", this plugin speaks 1: "),
                                    literal(context.version > 1 ? "update the plugin" : "upgrade semfora-hooks")));
    }
    semfora_findings findings = {NULL, 0, {NULL, 0}};
    semfora_evaluate(&context, &findings);
    if (findings.failure.length > 0) {
        return failure(findings.failure);
    }
    json_writer writer = {NULL, 0, 0, NULL};
    write_list(&writer, &recommendation_record, &findings);
    return written(&writer);
}

semfora_text semfora_echo_json(char *document, size_t length, bool is_context) {
    json_reader reader = json_read(document, length);
    json_writer writer = {NULL, 0, 0, NULL};
    if (is_context) {
        semfora_context context = defaults();
        if (read_record(&reader, &context_record, &context) && json_done(&reader)) {
            write_record(&writer, &context_record, &context);
        }
    } else {
        semfora_findings findings = {NULL, 0, {NULL, 0}};
        if (read_list(&reader, &recommendation_record, &findings) && json_done(&reader)) {
            write_list(&writer, &recommendation_record, &findings);
        }
    }
    return reader.error != NULL ? unreadable(&reader) : written(&writer);
}
