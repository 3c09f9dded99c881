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
    int     n_in, n_out;
    struct {
        const char *data;
        size_t      bytes;               /* of an element */
        int         step;                /* within a run: 0 or 1 */
        int64_t     stride[ML_MAX_DIMS]; /* of the outer dimensions, in elements */
    } in[MLI_MAP_MOST_IN];
    struct {
        char  *data;
        size_t bytes;
    } out[MLI_MAP_MOST_OUT];
    mli_map_loop loop;
    const void  *ctx;
} plan;

/* Strides of x in the shape of the output; 0 where it repeats. */
static void stretch(const ml_tensor *x, const ml_shape *out, int64_t *stride)
{
    int missing = out->n - x->shape.n;
    for (int d = 0; d < out->n; d++)
        stride[d] = d < missing || x->shape.size[d - missing] == 1 ? 0 : x->strides[d - missing];
}

/* How many of the last dimensions form a run for this input; 0 when not even one does. */
static int run_dims(const int64_t *stride, const ml_shape *out)
{
    int64_t expect = 1;
    bool    unit = true, zero = true;
    int     n = 0;
    for (int d = out->n - 1; d >= 0; d--) {
        if (out->size[d] != 1) {
            unit &= stride[d] == expect;
            zero &= stride[d] == 0;
            if (!unit && !zero) break;
            expect *= out->size[d];
        }
        n++;
    }
    return n;
}

static bool make_plan(plan *p, ml_tensor *const *in, const ml_shape *out)
{
    int inner = out->n;
    for (int i = 0; i < p->n_in; i++) {
        ml_tensor *x = in[i];
        stretch(x, out, p->in[i].stride);
        int n = run_dims(p->in[i].stride, out);
        if (n == 0 && out->n > 0) {
            if (!(x = mli_contiguous(x))) return false;
            stretch(x, out, p->in[i].stride);
            n = run_dims(p->in[i].stride, out);
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
    for (int i = 0; i < p->n_in; i++) { /* the last dimension of more than one position says which step it is */
        p->in[i].step = 0;
        for (int d = out->n - 1; d >= p->n_outer; d--)
            if (out->size[d] != 1) {
                p->in[i].step = p->in[i].stride[d] != 0;
                break;
            }
    }
    return true;
}

/* Elements from..to-1 of the output, which may start and end inside a run. */
static void walk(const plan *p, int64_t from, int64_t to)
{
    int64_t r = from / p->run, within = from % p->run, at[ML_MAX_DIMS], offset[MLI_MAP_MOST_IN];
    for (int i = 0; i < p->n_in; i++) offset[i] = 0;
    for (int d = p->n_outer - 1; d >= 0; d--) {
        at[d] = r % p->size[d];
        r /= p->size[d];
        for (int i = 0; i < p->n_in; i++) offset[i] += at[d] * p->in[i].stride[d];
    }
    while (from < to) {
        int64_t     n = p->run - within < to - from ? p->run - within : to - from;
        const char *in[MLI_MAP_MOST_IN];
        char       *out[MLI_MAP_MOST_OUT];
        int         step[MLI_MAP_MOST_IN];
        for (int i = 0; i < p->n_in; i++) {
            in[i]   = p->in[i].data + (offset[i] + within * p->in[i].step) * (int64_t)p->in[i].bytes;
            step[i] = p->in[i].step;
        }
        for (int i = 0; i < p->n_out; i++) out[i] = p->out[i].data + from * (int64_t)p->out[i].bytes;
        p->loop(n, in, step, out, p->ctx);
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

/* The common small case needs no plan: one run of every input. */
static bool one_run(ml_tensor *const *in, int n_in, const ml_shape *out, const char **data, int *step)
{
    for (int i = 0; i < n_in; i++) {
        step[i] = ml_shape_equal(&in[i]->shape, out);
        if (step[i] ? !ml_tensor_is_contiguous(in[i]) : ml_tensor_numel(in[i]) != 1) return false;
        data[i] = mli_data(in[i]);
    }
    return true;
}

bool mli_map(ml_tensor *const *in, int n_in, ml_tensor *const *out, int n_out, mli_map_loop loop, const void *ctx)
{
    const ml_shape *shape = &out[0]->shape;
    int64_t         total = ml_shape_numel(shape);
    plan            p; /* large: only what is used is written */
    if (total == 0) return true;
    if (total <= BLOCK) {
        const char *data[MLI_MAP_MOST_IN];
        char       *to[MLI_MAP_MOST_OUT];
        int         step[MLI_MAP_MOST_IN];
        for (int i = 0; i < n_out; i++) to[i] = mli_data(out[i]);
        if (one_run(in, n_in, shape, data, step)) return loop(total, data, step, to, ctx), true;
    }
    p.n_in  = n_in;
    p.n_out = n_out;
    p.loop  = loop;
    p.ctx   = ctx;
    for (int i = 0; i < n_out; i++) {
        p.out[i].data  = mli_data(out[i]);
        p.out[i].bytes = ml_dtype_bytes((ml_dtype)out[i]->dtype);
    }
    if (!make_plan(&p, in, shape)) return false;
    if (total <= BLOCK) walk(&p, 0, total);
    else ml_parallel((total + BLOCK - 1) / BLOCK, task, &p);
    return true;
}

/* --- one kernel ------------------------------------------------------------------------------------------------------ */
void mli_kernel_run(const mli_kernel *k, int64_t n, const char *const *in, const int *step, void *y)
{
    switch (k->n_in) {
    case 1:
        if (step[0] || n == 1) {
            k->f1(n, in[0], y);
        } else { /* a kernel of one input takes no repeated value */
            k->f1(1, in[0], y);
            mli_repeat(n, k->out_bytes, y);
        }
        break;
    case 2: k->f2(n, in[0], step[0], in[1], step[1], y); break;
    default: k->f3(n, in[0], step[0], in[1], step[1], in[2], step[2], y); break;
    }
}

static void loop_kernel(int64_t n, const char *const *in, const int *step, char *const *out, const void *ctx)
{
    mli_kernel_run(ctx, n, in, step, out[0]);
}

static bool map_kernel(ml_call *c, mli_kernel k)
{
    k.n_in      = c->n_in;
    k.out_bytes = ml_dtype_bytes((ml_dtype)c->out->dtype);
    if (c->capture) return *c->capture = k, true;
    return mli_map(c->in, c->n_in, &c->out, 1, loop_kernel, &k);
}

bool mli_map1(ml_call *c, mli_map1_fn f) { return map_kernel(c, (mli_kernel){ .f1 = f }); }
bool mli_map2(ml_call *c, mli_map2_fn f) { return map_kernel(c, (mli_kernel){ .f2 = f }); }
bool mli_map3(ml_call *c, mli_map3_fn f) { return map_kernel(c, (mli_kernel){ .f3 = f }); }
