#include "json.h"

#include <stdlib.h>
#include <string.h>

json_reader json_read(char *document, size_t length) {
    document[length] = '\0'; /* so that no look-ahead leaves the document */
    return (json_reader){document, document, document + length, NULL};
}

bool json_fail(json_reader *reader, const char *error) {
    if (reader->error == NULL) {
        reader->error = error;
    }
    return false;
}

static void skip_space(json_reader *reader) {
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r') {
        reader->at++;
    }
}

char json_peek(json_reader *reader) {
    if (reader->error != NULL) {
        return 0;
    }
    skip_space(reader);
    char next = *reader->at;
    if (next == '-' || (next >= '0' && next <= '9')) {
        return '0';
    }
    if (next == '\0' || strchr("{[\"tfn", next) == NULL) {
        json_fail(reader, reader->at == reader->end ? "it ends too soon" : "a value is needed");
        return 0;
    }
    return next;
}

static bool take(json_reader *reader, const char *word) {
    size_t length = strlen(word);
    if (reader->error != NULL || strncmp(reader->at, word, length) != 0) {
        return json_fail(reader, "a value is needed");
    }
    reader->at += length;
    return true;
}

bool json_null(json_reader *reader) {
    return json_peek(reader) == 'n' && take(reader, "null");
}

bool json_flag(json_reader *reader, bool *value) {
    char next = json_peek(reader);
    if (next != 't' && next != 'f') {
        return json_fail(reader, "true or false is needed");
    }
    *value = next == 't';
    return take(reader, *value ? "true" : "false");
}

static bool digits(char **at) {
    char *start = *at;
    while (**at >= '0' && **at <= '9') {
        ++*at;
    }
    return *at > start;
}

/* Goes over a number and says where it starts and whether it is written as an integer. */
static bool number(json_reader *reader, char **start, bool *is_integer) {
    if (json_peek(reader) != '0') {
        return json_fail(reader, "a number is needed");
    }
    char *at = *start = reader->at;
    at += *at == '-';
    bool is_right = *at == '0' ? (at++, true) : digits(&at);
    *is_integer = *at != '.' && *at != 'e' && *at != 'E';
    if (is_right && *at == '.') {
        at++;
        is_right = digits(&at);
    }
    if (is_right && (*at == 'e' || *at == 'E')) {
        at++;
        at += *at == '+' || *at == '-';
        is_right = digits(&at);
    }
    if (!is_right) {
        return json_fail(reader, "a number is malformed");
    }
    reader->at = at;
    return true;
}

bool json_integer(json_reader *reader, int64_t *value) {
    char *start;
    bool is_integer;
    if (!number(reader, &start, &is_integer)) {
        return false;
    }
    bool is_negative = *start == '-';
    int64_t found = 0;
    for (char *at = start + is_negative; is_integer && at < reader->at; at++) {
        int64_t digit = is_negative ? '0' - *at : *at - '0';
        is_integer = !__builtin_mul_overflow(found, 10, &found) && !__builtin_add_overflow(found, digit, &found);
    }
    *value = found;
    return is_integer || json_fail(reader, "an integer of 64 bits is needed");
}

bool json_number(json_reader *reader, double *value) {
    char *start;
    bool is_integer;
    if (!number(reader, &start, &is_integer)) {
        return false;
    }
    *value = strtod(start, NULL);
    return true;
}

static int hexadecimal(char letter) {
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The 16 bits behind \u, or -1. */
static int32_t unit(const char *at) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hexadecimal(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static char *encode(char *to, uint32_t point) {
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (char)(first[more] | point >> (6 * more));
    while (more-- > 0) {
        *to++ = (char)(0x80 | (point >> (6 * more) & 0x3F));
    }
    return to;
}

/* Decodes one escape; `*from` is behind the backslash. What it stands for is never longer than the escape. */
static bool escape(json_reader *reader, char **from, char **to) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *(*from)++;
    const char *known = letter == '\0' ? NULL : strchr(letters, letter);
    if (known != NULL) {
        *(*to)++ = meanings[known - letters];
        return true;
    }
    int32_t high = letter == 'u' ? unit(*from) : -1;
    if (high < 0) {
        reader->at = *from - 1;
        return json_fail(reader, "an escape is malformed");
    }
    *from += 4;
    uint32_t point = (uint32_t)high;
    if (high >= 0xD800 && high < 0xE000) {
        int32_t low = high < 0xDC00 && (*from)[0] == '\\' && (*from)[1] == 'u' ? unit(*from + 2) : -1;
        bool is_pair = low >= 0xDC00 && low < 0xE000;
        point = is_pair ? 0x10000 + (uint32_t)((high - 0xD800) << 10) + (uint32_t)(low - 0xDC00) : 0xFFFD;
        *from += is_pair ? 6 : 0;
    }
    *to = encode(*to, point);
    return true;
}

/* Goes to the next quote, backslash or control character. */
static char *plain(char *at) {
    while (*at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        at++;
    }
    return at;
}

bool json_text(json_reader *reader, semfora_text *value) {
    if (json_peek(reader) != '"') {
        return json_fail(reader, "a text is needed");
    }
    char *start = reader->at + 1, *from = plain(start), *to = from;
    while (*from != '"') {
        if (*from != '\\') {
            reader->at = from;
            return json_fail(reader, from == reader->end ? "a text does not end" : "a control character in a text");
        }
        from++;
        if (!escape(reader, &from, &to)) {
            return false;
        }
        char *next = plain(from);
        memmove(to, from, (size_t)(next - from));
        to += next - from;
        from = next;
    }
    *to = '\0'; /* at the latest where the closing quote was */
    reader->at = from + 1;
    *value = (semfora_text){start, (size_t)(to - start)};
    return true;
}

static bool skip_text(json_reader *reader) {
    char *at = plain(reader->at + 1);
    while (*at == '\\') {
        bool is_unit = at[1] == 'u' && unit(at + 2) >= 0;
        if (!is_unit && (at[1] == '\0' || strchr("\"\\/bfnrt", at[1]) == NULL)) {
            reader->at = at;
            return json_fail(reader, "an escape is malformed");
        }
        at = plain(at + (is_unit ? 6 : 2));
    }
    reader->at = at;
    if (*at != '"') {
        return json_fail(reader, at == reader->end ? "a text does not end" : "a control character in a text");
    }
    reader->at++;
    return true;
}

/* Opens at the first call, and then finds a comma or the end. */
static bool advance(json_reader *reader, bool *is_first, char opening, char closing) {
    if (*is_first) {
        if (json_peek(reader) != opening) {
            return json_fail(reader, opening == '{' ? "an object is needed" : "an array is needed");
        }
        reader->at++;
    }
    if (reader->error != NULL) {
        return false;
    }
    skip_space(reader);
    if (*reader->at == closing) {
        reader->at++;
        return false;
    }
    if (!*is_first) {
        if (*reader->at != ',') {
            return json_fail(reader, reader->at == reader->end ? "it ends too soon" : "a comma is needed");
        }
        reader->at++;
    }
    *is_first = false;
    return true;
}

bool json_item(json_reader *reader, bool *is_first) {
    return advance(reader, is_first, '[', ']');
}

static bool colon(json_reader *reader) {
    skip_space(reader);
    if (*reader->at != ':') {
        return json_fail(reader, "a colon is needed");
    }
    reader->at++;
    return true;
}

bool json_key(json_reader *reader, bool *is_first, semfora_text *key) {
    return advance(reader, is_first, '{', '}') && json_text(reader, key) && colon(reader);
}

static bool skip_key(json_reader *reader) {
    if (json_peek(reader) != '"') {
        return json_fail(reader, "a text is needed");
    }
    return skip_text(reader) && colon(reader);
}

static bool skip(json_reader *reader, int depth) {
    char *start;
    bool is_first = true, flag;
    char next = json_peek(reader);
    switch (next) {
    case '0':
        return number(reader, &start, &flag);
    case '"':
        return skip_text(reader);
    case 't':
    case 'f':
        return json_flag(reader, &flag);
    case 'n':
        return json_null(reader);
    case 0:
        return false;
    }
    if (depth == JSON_MAX_DEPTH) {
        return json_fail(reader, "values are nested too deeply");
    }
    bool is_object = next == '{';
    while (advance(reader, &is_first, next, is_object ? '}' : ']')) {
        if (is_object && !skip_key(reader)) {
            return false;
        }
        if (!skip(reader, depth + 1)) {
            return false;
        }
    }
    return reader->error == NULL;
}

bool json_skip(json_reader *reader) {
    return skip(reader, 0);
}

bool json_done(json_reader *reader) {
    if (reader->error == NULL) {
        skip_space(reader);
    }
    return reader->error == NULL && (reader->at == reader->end || json_fail(reader, "there is something behind it"));
}
