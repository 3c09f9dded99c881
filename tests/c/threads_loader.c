/* Batches made ahead by a second thread while the caller computes, draws memory and leaves in the middle: a plain program, so that
 * it runs under the thread sanitizer, which does not go with Criterion. Says nothing when all is well. */
#include "moonlab/data.h"
#include "moonlab/ops.h"

#include <stdio.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ml_error_message());
    return 1;
}

static ml_loader *make(ml_tensor *x, ml_tensor *y, bool prefetch)
{
    return ml_loader_new(x, y, &(ml_loader_opts){ .batch = 9, .prefetch = prefetch, .seed = 1, .n_augment = 4, .augment = {
        { ML_AUGMENT_SHIFT, 2 }, { ML_AUGMENT_ROTATE, 15 }, { ML_AUGMENT_NOISE, 0.1 }, { ML_AUGMENT_MIXUP, 0.4 } } });
}

int main(void)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x = ml_rand(ML_SHAPE(64, 1, 12, 12), ML_F32, ml_key_of(1, 0)), *y = ml_randint(0, 10, ML_SHAPE(64), ml_key_of(2, 0));
    ml_loader *ahead = make(x, y, true), *plain = make(x, y, false);
    ml_threads_set(4);
    if (!ahead || !plain) return fail("making");
    for (int64_t epoch = 0; epoch < 20; epoch++) {
        if (!ml_loader_start(ahead, epoch, 0) || !ml_loader_start(plain, epoch, 0)) return fail("starting");
        for (int i = 0; i < (epoch % 2 ? 3 : 8); i++) { /* every other one is left in the middle */
            ml_scope inner = ml_scope_begin();
            ml_batch a, b;
            if (!ml_loader_next(ahead, &a) || !ml_loader_next(plain, &b) || !a.x || !b.x) return fail("next");
            double apart = ml_item(ml_max(ml_abs(ml_sub(a.x, b.x)), NULL));
            if (apart != 0) return fprintf(stderr, "epoch %d, batch %d: %g apart\n", (int)epoch, i, apart), 1;
            ml_scope_end(&inner);
        }
    }
    ml_loader_release(ahead); /* with a batch on its way */
    ml_loader_release(plain);
    ml_scope_end(&scope);
    return 0;
}
