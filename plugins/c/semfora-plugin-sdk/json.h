/* A reader of JSON (RFC 8259) that needs no memory of its own: texts are decoded where they stand. */

#ifndef SEMFORA_JSON_H
#define SEMFORA_JSON_H

#include "semfora.h"

/* Values inside values up to which a document is read. */
#define JSON_MAX_DEPTH 512

/* Where the reader is. After an error, which says what is wrong at `at`, all functions fail. */
typedef struct {
    char *start, *at, *end;
    const char *error;
} json_reader;

/* Reads `length` bytes, which are changed; there must be room for one byte more. */
json_reader json_read(char *document, size_t length);

/* The type of the next value: one of { [ " 0 t f n, or 0 for an error. */
char json_peek(json_reader *reader);
bool json_null(json_reader *reader);
bool json_flag(json_reader *reader, bool *value);
bool json_integer(json_reader *reader, int64_t *value);
bool json_number(json_reader *reader, double *value);
/* A lone half of a surrogate pair becomes U+FFFD. */
bool json_text(json_reader *reader, semfora_text *value);
/* Reads over a value; its bytes stay as they are. */
bool json_skip(json_reader *reader);
/* Before the first item: opens an array. True where an item follows; else it is closed, or there was an error. */
bool json_item(json_reader *reader, bool *is_first);
/* The same with an object and a key. */
bool json_key(json_reader *reader, bool *is_first, semfora_text *key);
/* Nothing but white space is left. */
bool json_done(json_reader *reader);
/* Says that the value just read is not what it should be. False. */
bool json_fail(json_reader *reader, const char *error);

#endif
