/* The contract's types as tables: reading them from JSON, and writing them. */

#ifndef SEMFORA_RECORDS_H
#define SEMFORA_RECORDS_H

#include "json.h"

/* What is written, in a buffer that grows. */
typedef struct {
    char *data;
    size_t length, capacity;
    const char *error;
} json_writer;

void write_bytes(json_writer *writer, const char *data, size_t length);
void write_text(json_writer *writer, semfora_text text);

typedef struct record record;
extern const record context_record, recommendation_record;

/* Reads an object into `target`, which is all zeros. Unknown fields are read over, null leaves zero. */
bool read_record(json_reader *reader, const record *type, void *target);
/* Reads an array of texts. */
bool read_texts(json_reader *reader, semfora_texts *target);
/* Reads an array of objects. */
bool read_list(json_reader *reader, const record *type, void *target);
void write_record(json_writer *writer, const record *type, const void *source);
void write_list(json_writer *writer, const record *type, const void *source);

/* Room for one item more, all zeros, in a list of items of `size` bytes. */
void *grow(void *list, size_t size);

#endif
