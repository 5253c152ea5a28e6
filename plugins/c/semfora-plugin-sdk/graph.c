#include <string.h>

#include "semfora.h"

/* ---------------------------------------------------------------------------------------------------------- map */

/* FNV-1a, 32 bits. */
static size_t hash(semfora_text key) {
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < key.length; i++) {
        value = (value ^ (unsigned char)key.data[i]) * 16777619u;
    }
    return value;
}

/* Where a key is, or would be. Some places are always free. */
static size_t place(const semfora_map *map, semfora_text key) {
    size_t at = hash(key) & (map->capacity - 1);
    while (map->keys[at].data != NULL && !semfora_equal(map->keys[at], key)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return at;
}

bool semfora_map_get(const semfora_map *map, semfora_text key, size_t *value) {
    size_t at = map->capacity == 0 ? 0 : place(map, key);
    if (map->capacity == 0 || map->keys[at].data == NULL) {
        return false;
    }
    if (value != NULL) {
        *value = map->values[at];
    }
    return true;
}

static void enlarge(semfora_map *map) {
    semfora_map larger = {.capacity = map->capacity == 0 ? 16 : map->capacity * 2, .count = map->count};
    larger.keys = semfora_allocate(larger.capacity * sizeof(semfora_text));
    larger.values = semfora_allocate(larger.capacity * sizeof(size_t));
    memset(larger.keys, 0, larger.capacity * sizeof(semfora_text));
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->keys[i].data != NULL) {
            size_t at = place(&larger, map->keys[i]);
            larger.keys[at] = map->keys[i];
            larger.values[at] = map->values[i];
        }
    }
    *map = larger;
}

bool semfora_map_add(semfora_map *map, semfora_text key, size_t value) {
    if (key.data == NULL) {
        key = SEMFORA_TEXT("");
    }
    if (map->count * 2 >= map->capacity) {
        enlarge(map);
    }
    size_t at = place(map, key);
    if (map->keys[at].data != NULL) {
        return false;
    }
    map->keys[at] = key;
    map->values[at] = value;
    map->count++;
    return true;
}

/* -------------------------------------------------------------------------------------------------------- graph */

/* Calls by one of their ends: the first one of each id, and for each call the next one with the same id; the number of
   calls stands for none. */
typedef struct {
    semfora_map first;
    size_t *next;
} chains;

struct semfora_graph {
    const semfora_context *context;
    semfora_map symbols;
    chains from, to;
};

static chains chain(const semfora_calls *calls, bool is_from) {
    chains found = {.next = semfora_allocate(calls->count * sizeof(size_t))};
    size_t *last = semfora_allocate(calls->count * sizeof(size_t)); /* for each first call, the last of its chain */
    for (size_t i = 0; i < calls->count; i++) {
        semfora_text id = is_from ? calls->items[i].caller : calls->items[i].callee;
        size_t first = i;
        found.next[i] = calls->count;
        if (id.length == 0) {
            continue;
        }
        if (semfora_map_get(&found.first, id, &first)) {
            found.next[last[first]] = i;
        } else {
            semfora_map_add(&found.first, id, i);
        }
        last[first] = i;
    }
    return found;
}

semfora_graph *semfora_index(const semfora_context *context) {
    semfora_graph *graph = semfora_allocate(sizeof *graph);
    *graph = (semfora_graph){.context = context};
    for (size_t i = 0; i < context->symbols.count; i++) {
        semfora_map_add(&graph->symbols, context->symbols.items[i].id, i);
    }
    graph->from = chain(&context->calls, true);
    graph->to = chain(&context->calls, false);
    return graph;
}

const semfora_symbol *semfora_find(const semfora_graph *graph, semfora_text id) {
    size_t position;
    return semfora_map_get(&graph->symbols, id, &position) ? &graph->context->symbols.items[position] : NULL;
}

bool semfora_ends(const semfora_graph *graph, const semfora_call *call, const semfora_symbol **caller,
                  const semfora_symbol **callee) {
    *caller = semfora_find(graph, call->caller);
    *callee = call->callee.length == 0 ? NULL : semfora_find(graph, call->callee);
    return *caller != NULL && *callee != NULL;
}

static const semfora_call *at(const semfora_graph *graph, size_t position) {
    return position < graph->context->calls.count ? &graph->context->calls.items[position] : NULL;
}

static const semfora_call *first(const semfora_graph *graph, const chains *chains, semfora_text id) {
    size_t position;
    return semfora_map_get(&chains->first, id, &position) ? at(graph, position) : NULL;
}

static const semfora_call *next(const semfora_graph *graph, const chains *chains, const semfora_call *call) {
    return at(graph, chains->next[call - graph->context->calls.items]);
}

const semfora_call *semfora_call_to(const semfora_graph *graph, semfora_text id) {
    return first(graph, &graph->to, id);
}

const semfora_call *semfora_next_call_to(const semfora_graph *graph, const semfora_call *call) {
    return next(graph, &graph->to, call);
}

const semfora_call *semfora_call_from(const semfora_graph *graph, semfora_text id) {
    return first(graph, &graph->from, id);
}

const semfora_call *semfora_next_call_from(const semfora_graph *graph, const semfora_call *call) {
    return next(graph, &graph->from, call);
}
