/* layer-guard: calls must not go up, from a lower layer of the architecture into a higher one.

   The manifest's config.layers names the layers from the uppermost to the lowest. A symbol is in the first of them that
   is one of the dotted parts of its module. */

#include "semfora.h"

#define T SEMFORA_TEXT
#define NO_LAYER (-1)

/* The position of the symbol's layer, or NO_LAYER. */
static int layer_of(const semfora_symbol *symbol, const semfora_texts *layers) {
    for (size_t i = 0; i < layers->count; i++) {
        semfora_text rest = symbol->module, part;
        while (semfora_split(&rest, '.', &part)) {
            if (semfora_equal(part, layers->items[i])) {
                return (int)i;
            }
        }
    }
    return NO_LAYER;
}

/* All layers, with " > " between them. */
static semfora_text order(const semfora_texts *layers) {
    semfora_text joined = layers->items[0];
    for (size_t i = 1; i < layers->count; i++) {
        joined = SEMFORA_JOIN(joined, T(" > "), layers->items[i]);
    }
    return joined;
}

static void report(semfora_findings *findings, const semfora_call *call, const semfora_symbol *caller,
                   const semfora_symbol *callee, const semfora_texts *layers, int distance) {
    semfora_text lower = layers->items[layer_of(caller, layers)], upper = layers->items[layer_of(callee, layers)];
    semfora_recommendation *finding =
        semfora_add(findings, SEMFORA_JOIN(T("`"), caller->qualified_name, T("` ("), lower, T(") calls `"),
                                           callee->qualified_name, T("` ("), upper, T(")")));
    bool is_exact = semfora_equal(call->resolution, T("exact"));
    finding->id = SEMFORA_JOIN(T("layer-guard:"), caller->id, T("->"), callee->id);
    finding->category = T("custom:architecture");
    finding->severity = is_exact ? SEMFORA_ERROR : SEMFORA_WARNING;
    finding->confidence = is_exact ? 0.95 : semfora_equal(call->resolution, T("inferred")) ? 0.7 : 0.4;
    finding->description = SEMFORA_JOIN(T("Layer `"), lower, T("` must not depend on layer `"), upper,
                                        T("`; the order is "), order(layers), T("."));
    finding->suggestion =
        SEMFORA_JOIN(T("Move the call up, or pass what `"), caller->name, T("` needs as an argument."));
    semfora_about(finding, caller);
    semfora_about(finding, callee);
    semfora_add_evidence(finding, T("call"), SEMFORA_JOIN(T("line "), semfora_decimal(call->line)))->symbol = callee->id;
    semfora_add_metric(finding, T("distance"), distance);
}

/* One finding for each pair of symbols, at its first call. */
void semfora_evaluate(const semfora_context *context, semfora_findings *findings) {
    semfora_texts layers = {NULL, 0};
    if (!semfora_config_texts(context, "layers", &layers)) {
        semfora_fail(findings, T("config.layers must be a list of strings"));
        return;
    }
    semfora_graph *graph = semfora_index(context);
    semfora_map seen = {0};
    for (size_t i = 0; i < context->calls.count; i++) {
        const semfora_call *call = &context->calls.items[i];
        const semfora_symbol *caller, *callee;
        if (!semfora_ends(graph, call, &caller, &callee)) {
            continue;
        }
        int lower = layer_of(caller, &layers), upper = layer_of(callee, &layers);
        if (upper == NO_LAYER || lower <= upper) {
            continue;
        }
        /* No id has a zero byte inside. */
        if (semfora_map_add(&seen, SEMFORA_JOIN(caller->id, T("\0"), callee->id), i)) {
            report(findings, call, caller, callee, &layers, lower - upper);
        }
    }
}
