/* Reads documents through the SDK's types and writes them again: tests compare the types with the published schemas,
   and the reader with another one, this way. On standard input: the length of a document in bytes, a line feed, the
   document, and so on. On standard output: a line for each. The argument says what they are: context, recommendations,
   or any (then the line is "ok" or an error). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

void semfora_evaluate(const semfora_context *context, semfora_findings *findings) {
    (void)context, (void)findings;
}

static semfora_text any(char *document, size_t length) {
    json_reader reader = json_read(document, length);
    const char *result = json_skip(&reader) && json_done(&reader) ? "ok" : reader.error;
    return (semfora_text){result, strlen(result)};
}

int main(int count, char **arguments) {
    const char *kind = count == 2 ? arguments[1] : "";
    bool is_context = strcmp(kind, "context") == 0, is_any = strcmp(kind, "any") == 0;
    if (!is_context && !is_any && strcmp(kind, "recommendations") != 0) {
        fprintf(stderr, "usage: echo context|recommendations|any\n");
        return 2;
    }
    size_t length;
    while (scanf("%zu", &length) == 1 && getchar() == '\n') {
        char *document = malloc(length + 1); /* just as large as needed, so that tools notice reads beyond it */
        if (document == NULL || fread(document, 1, length, stdin) != length) {
            return 1;
        }
        semfora_text result =
            is_any ? any(document, length) : semfora_echo_json(document, length, is_context);
        fwrite(result.data, 1, result.length, stdout);
        putchar('\n');
    }
    return 0;
}
