/* Pointwise loops: from tensors with any strides to kernels that know contiguous runs and repeated values only.
 *
 * The output is contiguous. Its dimensions are merged from the last one while every input stays a run (step 1) or a
 * repetition (step 0); what is left over is walked outside. An input that fits neither (a transposed one) is copied
 * first: one more pass, and it happens rarely. Work is split in blocks that depend on the sizes alone. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <string.h>

#define BLOCK 32768 /* elements a task: about 10 us of simple arithmetic, well above the cost of handing it out */

typedef struct {
    int64_t run, n_runs;                 /* the output is n_runs runs of run elements */
    int     n_outer;                     /* dimensions outside a run */
    int64_t size[ML_MAX_DIMS];
    int     n_in;
    struct {
        const char *data;
        size_t      bytes;               /* of an element */
        int         step;                /* within a run: 0 or 1 */
        int64_t     stride[ML_MAX_DIMS]; /* of the outer dimensions, in elements */
    } in[ML_MAX_IN];
    char   *out;
    size_t  out_bytes;
    void  (*loop)(int64_t n, const char *const *in, const int *step, void *y, void (*f)(void));
    void  (*f)(void);
} plan;

/* Strides of x in the shape of the output; 0 where it repeats. */
static void stretch(const ml_tensor *x, const ml_shape *out, int64_t *stride)
{
    int missing = out->n - x->shape.n;
    for (int d = 0; d < out->n; d++)
        stride[d] = d < missing || x->shape.size[d - missing] == 1 ? 0 : x->strides[d - missing];
}

/* How many of the last dimensions form a run for this input, and its step; 0 when not even one does. */
static int run_dims(const int64_t *stride, const ml_shape *out, int *step)
{
    int64_t expect = 1;
    bool    unit = true, zero = true;
    int     n = 0;
    *step = 0;
    for (int d = out->n - 1; d >= 0; d--) {
        if (out->size[d] != 1) {
            unit &= stride[d] == expect;
            zero &= stride[d] == 0;
            if (!unit && !zero) break;
            *step = unit;
            expect *= out->size[d];
        }
        n++;
    }
    return n;
}

static bool make_plan(plan *p, ml_call *c)
{
    const ml_shape *out = &c->shape;
    int64_t stride[ML_MAX_IN][ML_MAX_DIMS];
    int     inner = out->n;
    p->n_in      = c->n_in;
    p->out       = mli_data(c->out);
    p->out_bytes = ml_dtype_bytes((ml_dtype)c->out->dtype);
    for (int i = 0; i < c->n_in; i++) {
        ml_tensor *x = c->in[i];
        stretch(x, out, stride[i]);
        int n = run_dims(stride[i], out, &p->in[i].step);
        if (n == 0 && out->n > 0) {
            if (!(x = mli_contiguous(x))) return false;
            stretch(x, out, stride[i]);
            n = run_dims(stride[i], out, &p->in[i].step);
        }
        p->in[i].data  = mli_data(x);
        p->in[i].bytes = ml_dtype_bytes((ml_dtype)x->dtype);
        if (n < inner) inner = n;
    }
    p->n_outer = out->n - inner;
    p->run     = 1;
    p->n_runs  = 1;
    for (int d = p->n_outer; d < out->n; d++) p->run *= out->size[d];
    for (int d = 0; d < p->n_outer; d++) p->n_runs *= p->size[d] = out->size[d];
    for (int i = 0; i < c->n_in; i++) { /* with fewer dimensions in the run, a step may be another one */
        p->in[i].step = 0;
        for (int d = out->n - 1; d >= p->n_outer; d--)
            if (out->size[d] != 1) {
                p->in[i].step = stride[i][d] != 0;
                break;
            }
        memcpy(p->in[i].stride, stride[i], sizeof stride[i]);
    }
    return true;
}

/* Elements from..to-1 of the output, which may start and end inside a run. */
static void walk(const plan *p, int64_t from, int64_t to)
{
    int64_t r = from / p->run, within = from % p->run, at[ML_MAX_DIMS];
    int64_t offset[ML_MAX_IN] = { 0 };
    for (int d = p->n_outer - 1; d >= 0; d--) {
        at[d] = r % p->size[d];
        r /= p->size[d];
        for (int i = 0; i < p->n_in; i++) offset[i] += at[d] * p->in[i].stride[d];
    }
    while (from < to) {
        int64_t     n = p->run - within < to - from ? p->run - within : to - from;
        const char *in[ML_MAX_IN];
        int         step[ML_MAX_IN];
        for (int i = 0; i < p->n_in; i++) {
            in[i]   = p->in[i].data + (offset[i] + within * p->in[i].step) * (int64_t)p->in[i].bytes;
            step[i] = p->in[i].step;
        }
        p->loop(n, in, step, p->out + from * (int64_t)p->out_bytes, p->f);
        from += n;
        within = 0;
        for (int d = p->n_outer - 1; d >= 0; d--) {
            for (int i = 0; i < p->n_in; i++) offset[i] += p->in[i].stride[d];
            if (++at[d] < p->size[d]) break;
            for (int i = 0; i < p->n_in; i++) offset[i] -= at[d] * p->in[i].stride[d];
            at[d] = 0;
        }
    }
}

static void task(void *ctx, int64_t i)
{
    const plan *p     = ctx;
    int64_t     total = p->run * p->n_runs;
    walk(p, i * BLOCK, (i + 1) * BLOCK < total ? (i + 1) * BLOCK : total);
}

static bool execute(ml_call *c, plan *p)
{
    int64_t total = ml_shape_numel(&c->shape);
    if (total == 0) return true;
    if (!make_plan(p, c)) return false;
    if (total <= BLOCK) walk(p, 0, total);
    else ml_parallel((total + BLOCK - 1) / BLOCK, task, p);
    return true;
}

static void loop1(int64_t n, const char *const *in, const int *step, void *y, void (*f)(void))
{
    (void)step;
    ((mli_map1_fn)f)(n, in[0], y);
}

static void loop2(int64_t n, const char *const *in, const int *step, void *y, void (*f)(void))
{
    ((mli_map2_fn)f)(n, in[0], step[0], in[1], step[1], y);
}

static void loop3(int64_t n, const char *const *in, const int *step, void *y, void (*f)(void))
{
    ((mli_map3_fn)f)(n, in[0], step[0], in[1], step[1], in[2], step[2], y);
}

bool mli_map1(ml_call *c, mli_map1_fn f)
{
    /* a kernel of one input takes no repeated value: an expanded input is copied out first */
    ml_tensor *x  = mli_contiguous(c->in[0]);
    ml_call    on = *c;
    if (!x) return false;
    on.in = &x;
    plan p = { .loop = loop1, .f = (void (*)(void))f };
    return execute(&on, &p);
}

bool mli_map2(ml_call *c, mli_map2_fn f)
{
    plan p = { .loop = loop2, .f = (void (*)(void))f };
    return execute(c, &p);
}

bool mli_map3(ml_call *c, mli_map3_fn f)
{
    plan p = { .loop = loop3, .f = (void (*)(void))f };
    return execute(c, &p);
}
