/* The ABI, version 1: what the host calls. Elsewhere than in WebAssembly, messages go to standard error. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "semfora.h"

void semfora_log(semfora_text line) {
    fwrite(line.data, 1, line.length, stderr);
    fputc('\n', stderr);
}

#ifdef __wasm__

__attribute__((import_module("env"), import_name("abort"))) void host_abort(const uint16_t *message,
                                                                            const uint16_t *file, uint32_t line,
                                                                            uint32_t column);

/* ASCII as env.abort wants it: UTF-16, with its length in bytes as a 32-bit number in front of the address. Panics have
   a buffer of their own: there may be no memory left. */
static const uint16_t *host_string(uint16_t *buffer, const char *text) {
    size_t length = 0;
    for (; text[length] != '\0' && length < 400; length++) {
        buffer[length + 2] = (unsigned char)text[length] < 0x80 ? (unsigned char)text[length] : '?';
    }
    buffer[0] = (uint16_t)(length * 2);
    buffer[1] = 0;
    return buffer + 2;
}

_Noreturn void semfora_panic(const char *message, const char *file, int line) {
    _Alignas(4) static uint16_t buffers[2][402];
    host_abort(host_string(buffers[0], message), host_string(buffers[1], file), (uint32_t)line, 0);
    __builtin_trap();
}

__attribute__((export_name("semfora_abi_v1"))) void marker(void) {}

__attribute__((export_name("semfora_alloc"))) void *room(size_t size) {
    return size == SIZE_MAX ? NULL : malloc(size + 1); /* one more, as semfora_evaluate_json wants it */
}

__attribute__((export_name("evaluate"))) uint64_t evaluate(char *document, size_t length) {
    semfora_text result = semfora_evaluate_json(document, length);
    return (uint64_t)(uintptr_t)result.data << 32 | result.length;
}

#else

_Noreturn void semfora_panic(const char *message, const char *file, int line) {
    fprintf(stderr, "%s at %s:%d\n", message, file, line);
    abort();
}

#endif
