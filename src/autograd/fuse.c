/* Fused chains. Inside fuse a pointwise operation makes a tensor that waits: its kernel and its inputs. When its values are
 * needed, the waiting operations that lead to it become a program, which runs over all elements in strips that stay in the
 * cache, through the kernels that the operations would have run one by one.
 *
 * What keeps it simple: the engine asks one question (mli_defer) after it has promoted and inferred shapes, and everybody
 * else who reads values goes through mli_has_values. Nothing that is recorded or batched ever waits. */
#include "autograd/node.h"
#include "moonlab/fuse.h"

#include <string.h>

#define MOST_STEPS  32    /* of one program: bounds the recursion too */
#define MOST_KERNEL 3     /* inputs of a kernel */
#define STRIP_BYTES 16384 /* of a strip's inputs, outputs and what lies between: half of the first cache */
#define LEAST_STRIP 128   /* elements */
#define MEMORY      (MOST_STEPS * LEAST_STRIP * 8 > STRIP_BYTES ? MOST_STEPS * LEAST_STRIP * 8 : STRIP_BYTES)
_Static_assert(MLI_MAP_MOST_IN >= MOST_STEPS * (MOST_KERNEL - 1) + 1, "a program has no more inputs than a tree of its steps");

struct ml_wait {
    mli_kernel kernel;
    int        id, n_in;
    int        n_steps; /* it and all that wait before it, at most */
    ml_tensor *in[MOST_KERNEL];
    uint32_t   version[MOST_KERNEL]; /* of their storages */
};

/* --- waiting --------------------------------------------------------------------------------------------------------- */
/* The kernel that a call would run, found by running it on single values. */
static bool find_kernel(const ml_call *c, mli_kernel *kernel)
{
    *kernel = (mli_kernel){ 0 };
    if (c->n_in > MOST_KERNEL) return false;
    if (c->id == ML_OP_cast) { /* has no kernel: programs convert by themselves */
        kernel->n_in      = 1;
        kernel->out_bytes = ml_dtype_bytes(c->dtype);
        return true;
    }
    if ((c->op->kind != ML_POINTWISE && c->id != ML_OP_where) || !c->op->forward) return false;
    double     value[MOST_KERNEL + 1] = { 0 };
    ml_storage storage[MOST_KERNEL + 1];
    ml_tensor  single[MOST_KERNEL + 1], *in[MOST_KERNEL];
    for (int i = 0; i <= c->n_in; i++) {
        storage[i] = (ml_storage){ .refs = 1, .bytes = sizeof *value, .data = &value[i] };
        single[i]  = (ml_tensor){ .refs = 1, .storage = &storage[i], .dtype = i < c->n_in ? c->in[i]->dtype : (uint8_t)c->dtype };
        if (i < c->n_in) in[i] = &single[i];
        /* integers look at their values before they run: there is nothing to see yet */
        if (i < c->n_in && !(c->id == ML_OP_where && i == 0) && !ml_dtype_is_float((ml_dtype)in[i]->dtype)) return false;
    }
    ml_call probe = { .op = c->op, .id = c->id, .n_in = c->n_in, .in = in, .out = &single[c->n_in], .opts = c->opts,
                      .shape = ML_SCALAR, .dtype = c->dtype, .capture = kernel };
    if (!c->op->forward(&probe)) return ml_error_clear(), false;
    return kernel->n_in == c->n_in;
}

void mli_wait_release(ml_wait *wait)
{
    for (int i = 0; i < wait->n_in; i++) ml_release(wait->in[i]);
    ml_block_give(wait, sizeof *wait);
}

static bool compute_inputs(const ml_call *c)
{
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->wait && !mli_compute(&c->in[i], 1)) return false;
    return true;
}

static bool may_wait(const ml_call *c)
{
    if (ml_anomaly_detection() || ml_shape_numel(&c->shape) == 0) return false;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->inner || (ml_recording() && mli_records(c->in[i]))) return false;
    return true;
}

bool mli_defer(ml_call *c, ml_tensor **out)
{
    mli_kernel kernel;
    *out = NULL;
    if (!may_wait(c) || !find_kernel(c, &kernel)) return !c->op->forward || compute_inputs(c); /* compose has operations of its own */
    int n_steps = 1;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->wait) n_steps += c->in[i]->wait->n_steps;
    if (n_steps > MOST_STEPS) {
        if (!compute_inputs(c)) return false;
        n_steps = 1;
    }
    ml_wait *wait = ml_block_take(sizeof *wait);
    if (!wait) return false;
    *wait = (ml_wait){ .kernel = kernel, .id = c->id, .n_in = c->n_in, .n_steps = n_steps };
    for (int i = 0; i < c->n_in; i++) {
        wait->in[i]      = ml_retain(c->in[i]);
        wait->version[i] = c->in[i]->storage ? c->in[i]->storage->version : 0;
    }
    ml_tensor *t = mli_tensor_new(c->shape, NULL, 0, c->dtype, NULL);
    if (!t) return mli_wait_release(wait), false;
    t->wait   = wait;
    t->defers = true;
    *out      = t;
    return true;
}

/* --- a program --------------------------------------------------------------------------------------------------------- */
typedef struct {
    const mli_kernel *kernel;
    int               n_in;
    int               in[MOST_KERNEL]; /* a step, or ~k for input k */
    ml_dtype          from, to;        /* of a conversion, which has no kernel */
    int               place;           /* of its values: a row of the strip's memory, or ~k for output k */
} step;

typedef struct {
    const ml_shape *shape;
    int             n_in, n_steps, n_out, n_places;
    int64_t         strip;     /* elements at once */
    size_t          row_bytes; /* of a place */
    ml_tensor      *in[MLI_MAP_MOST_IN], *of[MOST_STEPS], *out[MLI_MAP_MOST_OUT];
    step            steps[MOST_STEPS];
} program;

static int input_of(program *p, ml_tensor *x)
{
    for (int i = 0; i < p->n_in; i++)
        if (p->in[i] == x) return ~i;
    p->in[p->n_in++] = x;
    return ~(p->n_in - 1);
}

/* Appends what t needs, then t. Operands of a smaller shape are computed before, once and not once a repetition. */
static bool append(program *p, ml_tensor *t, int *at)
{
    const ml_wait *w = t->wait;
    for (int i = 0; i < p->n_steps; i++)
        if (p->of[i] == t) return *at = i, true;
    step s = { .kernel = &w->kernel, .n_in = w->n_in, .from = (ml_dtype)w->in[0]->dtype, .to = (ml_dtype)t->dtype };
    for (int i = 0; i < w->n_in; i++) {
        ml_tensor *x = w->in[i];
        if (x->wait && !ml_shape_equal(&x->shape, p->shape) && !mli_compute(&x, 1)) return false;
        if (x->wait) {
            if (!append(p, x, &s.in[i])) return false;
            continue;
        }
        if (x->storage->version != w->version[i])
            return ml_fail("fuse: an input of '%s', shape %s, was modified before the result was computed; compute it first, or clone the input",
                           ml_op_info_at(w->id)->name, ml_shape_text(&x->shape)), false;
        s.in[i] = input_of(p, x);
    }
    *at           = p->n_steps;
    p->of[*at]    = t;
    p->steps[*at] = s;
    p->n_steps++;
    return true;
}

/* Each step's values go to an output, or to a place that nobody reads any more. */
static void find_places(program *p)
{
    int  last_use[MOST_STEPS], free_places[MOST_STEPS], n_free = 0;
    for (int i = 0; i < p->n_steps; i++) {
        last_use[i] = i;
        for (int k = 0; k < p->steps[i].n_in; k++)
            if (p->steps[i].in[k] >= 0) last_use[p->steps[i].in[k]] = i;
    }
    size_t widest = 1;
    for (int i = 0; i < p->n_steps; i++) {
        step *s  = &p->steps[i];
        s->place = p->n_places;
        for (int k = 0; k < p->n_out; k++)
            if (p->out[k] == p->of[i]) s->place = ~k;
        if (s->place >= 0) {
            if (n_free) s->place = free_places[--n_free];
            else p->n_places++;
            if (s->kernel->out_bytes > widest) widest = s->kernel->out_bytes;
        }
        for (int d = 0; d <= i; d++) /* not before: a kernel may not write where another of its inputs lies */
            if (last_use[d] == i && p->steps[d].place >= 0) free_places[n_free++] = p->steps[d].place;
    }
    size_t streams = (size_t)p->n_places * widest;
    for (int i = 0; i < p->n_in; i++)
        if (ml_tensor_numel(p->in[i]) > 1) streams += ml_dtype_bytes((ml_dtype)p->in[i]->dtype);
    for (int i = 0; i < p->n_out; i++) streams += ml_dtype_bytes((ml_dtype)p->out[i]->dtype);
    p->strip = STRIP_BYTES / (int64_t)streams / LEAST_STRIP * LEAST_STRIP;
    if (p->strip < LEAST_STRIP) p->strip = LEAST_STRIP;
    p->row_bytes = (size_t)p->strip * widest;
}

static void run_step(const step *s, int64_t n, const char *const *in, const int *steps, char *y)
{
    if (s->kernel->f1 || s->n_in > 1) mli_kernel_run(s->kernel, n, in, steps, y);
    else mli_convert(n, s->from, in[0], steps[0], s->to, y);
}

static void run_program(int64_t n, const char *const *in, const int *in_step, char *const *out, const void *ctx)
{
    const program *p = ctx;
    _Alignas(64) char memory[MEMORY];
    int repeats[MOST_STEPS]; /* 0: the values of this step are one value */
    for (int64_t at = 0; at < n; at += p->strip) {
        int64_t m = n - at < p->strip ? n - at : p->strip;
        for (int i = 0; i < p->n_steps; i++) {
            const step *s = &p->steps[i];
            const char *x[MOST_KERNEL];
            int         by[MOST_KERNEL], varies = 0;
            for (int k = 0; k < s->n_in; k++) {
                int v = s->in[k];
                if (v < 0) {
                    by[k] = in_step[~v];
                    x[k]  = in[~v] + (by[k] ? at * (int64_t)ml_dtype_bytes((ml_dtype)p->in[~v]->dtype) : 0);
                } else {
                    int place = p->steps[v].place;
                    by[k]     = repeats[v];
                    x[k]      = place < 0 ? out[~place] + at * (int64_t)p->steps[v].kernel->out_bytes : memory + (size_t)place * p->row_bytes;
                }
                varies |= by[k];
            }
            char *y    = s->place < 0 ? out[~s->place] + at * (int64_t)s->kernel->out_bytes : memory + (size_t)s->place * p->row_bytes;
            repeats[i] = varies || s->place < 0;
            run_step(s, repeats[i] ? m : 1, x, by, y);
        }
    }
}

/* Computes all of t[0..n), which are of one shape, in one pass. */
static bool run_together(ml_tensor *const *t, int n)
{
    program   p = { .shape = &t[0]->shape, .n_out = n };
    ml_scope  scope = ml_scope_begin();
    ml_tensor *out[MLI_MAP_MOST_OUT];
    bool      ok = true;
    int       at;
    for (int i = 0; i < n; i++) p.out[i] = t[i];
    for (int i = 0; ok && i < n; i++) ok = append(&p, t[i], &at);
    for (int i = 0; ok && i < n; i++) ok = (out[i] = ml_empty(*p.shape, (ml_dtype)t[i]->dtype)) != NULL;
    if (ok) find_places(&p);
    ok = ok && mli_map(p.in, p.n_in, out, n, run_program, &p);
    for (int i = 0; ok && i < n; i++) {
        ml_wait *wait = t[i]->wait;
        t[i]->wait    = NULL;
        t[i]->storage = out[i]->storage;
        atomic_fetch_add_explicit(&t[i]->storage->refs, 1, memory_order_relaxed);
        mli_wait_release(wait);
    }
    ml_scope_end(&scope);
    return ok;
}

bool mli_compute(ml_tensor *const *t, int n)
{
    for (int i = 0; i < n; i++) {
        ml_tensor *group[MLI_MAP_MOST_OUT];
        int        n_group = 0, n_steps = 0;
        for (int k = i; k < n && n_group < MLI_MAP_MOST_OUT; k++) {
            if (!t[k] || !t[k]->wait || (n_group && !ml_shape_equal(&t[k]->shape, &group[0]->shape))) continue;
            bool known = false;
            for (int g = 0; g < n_group; g++) known |= group[g] == t[k];
            if (known || (n_group && n_steps + t[k]->wait->n_steps > MOST_STEPS)) continue;
            n_steps += t[k]->wait->n_steps;
            group[n_group++] = t[k];
        }
        if (n_group && !run_together(group, n_group)) return false;
    }
    return true;
}

/* --- public -------------------------------------------------------------------------------------------------------------- */
ml_tensor *ml_fuse_input(ml_tensor *x)
{
    if (!x || x->defers || x->inner || (ml_recording() && mli_records(x))) return x;
    ml_tensor *view = ml_detach(x);
    if (view) view->defers = true;
    return view;
}

bool ml_fuse_compute(ml_tensor *const *t, int n)
{
    if (!mli_compute(t, n)) return false;
    for (int i = 0; i < n; i++)
        if (t[i]) t[i]->defers = false;
    return true;
}

bool ml_fuse_waits(const ml_tensor *t)
{
    return t && t->wait;
}
