/* Fails in the way that config.how names. Tests see what of it reaches the host. */

#include <math.h>

#include "semfora.h"

#define T SEMFORA_TEXT

void semfora_evaluate(const semfora_context *context, semfora_findings *findings) {
    semfora_text how = T("");
    if (!semfora_config_text(context, "how", &how)) {
        semfora_fail(findings, T("config.how must be a text"));
        return;
    }
    semfora_log(SEMFORA_JOIN(T("how: "), how));
    semfora_recommendation *finding = semfora_add(findings, T("nothing happened"));
    if (semfora_equal(how, T("panic"))) {
        SEMFORA_PANIC("it gives up");
    } else if (semfora_equal(how, T("assertion"))) {
        SEMFORA_ASSERT(context->symbols.count > 0);
    } else if (semfora_equal(how, T("trap"))) {
        __builtin_trap();
    } else if (semfora_equal(how, T("memory"))) {
        for (;;) {
            *(volatile char *)semfora_allocate(1 << 20) = 1;
        }
    } else if (semfora_equal(how, T("error"))) {
        semfora_fail(findings, T("it says \"why\"\n"));
    } else if (semfora_equal(how, T("nan"))) {
        finding->confidence = NAN;
    }
}
