/* Small cases, run natively. */

#include <stdio.h>
#include <string.h>

#include "semfora.h"

static int failures;

/* `low` calls `high` on lines 1 and 2; what comes out must contain `wanted`. */
static void check(const char *high, const char *low, const char *first, const char *second, const char *wanted) {
    char document[1000];
    int length = snprintf(document, sizeof document - 1,
                          "{\"config\": {\"layers\": [\"api\", \"core\", \"db\"]}, "
                          "\"symbols\": [{\"id\": \"callee\", \"module\": \"%s\"}, {\"id\": \"caller\", \"module\": \"%s\"}], "
                          "\"calls\": [{\"caller\": \"caller\", \"callee\": \"callee\", \"line\": 1, \"resolution\": \"%s\"}, "
                          "{\"caller\": \"caller\", \"callee\": \"callee\", \"line\": 2, \"resolution\": \"%s\"}]}",
                          high, low, first, second);
    semfora_text result = semfora_evaluate_json(document, (size_t)length);
    char text[2000] = "";
    memcpy(text, result.data, result.length < sizeof text ? result.length : sizeof text - 1);
    if (strstr(text, wanted) == NULL) {
        fprintf(stderr, "%s calls %s: %s is missing in %s\n", low, high, wanted, text);
        failures++;
    }
}

int main(void) {
    check("shop.api", "shop.db", "exact", "name", "\"severity\":\"error\"");
    /* The first call of a pair decides. */
    check("shop.api", "shop.db", "inferred", "exact", "\"severity\":\"warning\"");
    check("shop.api", "shop.db", "name", "exact", "\"text\":\"line 1\"");
    /* Calls down and inside a layer are fine. */
    check("shop.db", "shop.api", "exact", "exact", "[]");
    check("shop.api.a", "shop.api.b", "exact", "exact", "[]");
    check("apis", "db", "exact", "exact", "[]");
    check("api", "tools", "exact", "exact", "[]");
    printf("%d failures\n", failures);
    return failures != 0;
}
