/* Shape: the same values seen or laid out differently. Views share their storage. Each one's derivative is its adjoint:
 * reshape <-> reshape, expand <-> sum_to, permute <-> its inverse, slice <-> unslice, the adjoint of cat (join.c) are slices. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <string.h>

static bool view(ml_call *c, ml_shape shape, const int64_t *strides, int64_t offset)
{
    c->out = mli_view(c->in[0], shape, strides, offset);
    return c->out != NULL;
}

/* --- reshape, view ------------------------------------------------------------------------------------------------------------- */
static bool reshape_infer(ml_call *c) /* of both: their options are the same */
{
    const char *name = ml_op_info_at(c->id)->name;
    ml_shape in = c->in[0]->shape, want = ((const ml_reshape_opts *)c->opts)->shape;
    int64_t  known = 1;
    int      free_dim = -1;
    for (int d = 0; d < want.n; d++) {
        if (want.size[d] == -1) {
            if (free_dim >= 0) return ml_fail("%s: only one size may be -1, got %s", name, ml_shape_text(&want));
            free_dim = d;
        } else if (want.size[d] < 0) {
            return ml_fail("%s: sizes must be positive or -1, got %s", name, ml_shape_text(&want));
        } else if (__builtin_mul_overflow(known, want.size[d], &known)) {
            known = -1;
            break;
        }
    }
    ml_shape asked = want;
    int64_t  numel = ml_shape_numel(&in);
    if (free_dim >= 0 && known > 0 && numel % known == 0) {
        want.size[free_dim] = numel / known;
        known               = numel;
    }
    if (known != numel)
        return ml_fail("%s: %s has %lld values, which do not fill %s", name, ml_shape_text(&in), (long long)numel, ml_shape_text(&asked));
    c->shape = want;
    return true;
}

/* The strides that show x in another shape without a copy; false when there are none. Each run of dimensions of x that
 * lie in one step must be cut into dimensions of its own. */
static bool strides_in_shape(const ml_tensor *x, const ml_shape *want, int64_t *strides)
{
    if (ml_tensor_is_contiguous(x)) return mli_contiguous_strides(want, strides), true;
    int     d   = want->n - 1;
    int64_t run = 1, used = 1, step = x->strides[x->shape.n - 1]; /* not contiguous, so there is a dimension */
    for (int t = x->shape.n - 1; t >= 0; t--) {
        run *= x->shape.size[t];
        if (t > 0 && (x->shape.size[t - 1] == 1 || x->strides[t - 1] == run * step)) continue;
        for (; d >= 0 && (used < run || want->size[d] == 1); d--) {
            strides[d] = used * step;
            used *= want->size[d];
        }
        if (used != run) return false;
        if (t > 0) step = x->strides[t - 1];
        run = used = 1;
    }
    return d < 0;
}

static bool view_forward(ml_call *c)
{
    int64_t strides[ML_MAX_DIMS];
    if (strides_in_shape(c->in[0], &c->shape, strides)) return view(c, c->shape, strides, c->in[0]->offset);
    return ml_fail("view: the values of %s do not lie in the order of %s; reshape copies them", ml_shape_text(&c->in[0]->shape), ml_shape_text(&c->shape));
}

static bool reshape_forward(ml_call *c)
{
    ml_tensor *x = c->in[0];
    int64_t    strides[ML_MAX_DIMS];
    if (strides_in_shape(x, &c->shape, strides)) return view(c, c->shape, strides, x->offset);
    x = mli_contiguous(x);
    c->out = x ? mli_view(x, c->shape, NULL, x->offset) : NULL;
    return c->out != NULL;
}

static bool reshape_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_reshape(dy, &(ml_reshape_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* --- expand and its adjoint ------------------------------------------------------------------------------------------------ */
static bool expand_infer(ml_call *c)
{
    const ml_shape *in = &c->in[0]->shape;
    c->shape = ((const ml_expand_opts *)c->opts)->shape;
    ml_shape out;
    int64_t  n = 1;
    for (int d = 0; d < c->shape.n; d++) {
        if (c->shape.size[d] < 0) return ml_fail("expand: sizes must not be negative, got %s", ml_shape_text(&c->shape));
        if (c->shape.size[d] > 0 && __builtin_mul_overflow(n, c->shape.size[d], &n))
            return ml_fail("expand: %s has more values than can be counted", ml_shape_text(&c->shape));
    }
    if (!ml_shape_broadcast(in, &c->shape, &out) || !ml_shape_equal(&out, &c->shape))
        return ml_fail("expand: %s cannot be repeated to %s; only sizes of 1 repeat", ml_shape_text(in), ml_shape_text(&c->shape));
    return true;
}

static bool expand_forward(ml_call *c)
{
    const ml_tensor *x = c->in[0];
    int64_t strides[ML_MAX_DIMS];
    int     missing = c->shape.n - x->shape.n;
    for (int d = 0; d < c->shape.n; d++)
        strides[d] = d < missing || (x->shape.size[d - missing] == 1 && c->shape.size[d] != 1) ? 0 : x->strides[d - missing];
    return view(c, c->shape, strides, x->offset);
}

static bool expand_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_sum_to(dy, &(ml_sum_to_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

static bool sum_to_infer(ml_call *c)
{
    const ml_shape *in = &c->in[0]->shape;
    c->shape = ((const ml_sum_to_opts *)c->opts)->shape;
    ml_shape out;
    if (!ml_shape_broadcast(in, &c->shape, &out) || !ml_shape_equal(&out, in))
        return ml_fail("sum_to: %s cannot be summed to %s", ml_shape_text(in), ml_shape_text(&c->shape));
    return true;
}

static ml_tensor *sum_to_compose(ml_call *c)
{
    const ml_shape *in   = &c->in[0]->shape;
    ml_dims         dims = { 0 };
    int             missing = in->n - c->shape.n;
    for (int d = 0; d < in->n; d++)
        if (d < missing || (c->shape.size[d - missing] == 1 && in->size[d] != 1)) dims.at[dims.n++] = d;
    ml_tensor *x = dims.n ? ml_sum(c->in[0], &(ml_sum_opts){ dims, false }) : c->in[0];
    return ml_reshape(x, &(ml_reshape_opts){ c->shape });
}

static bool sum_to_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_expand(dy, &(ml_expand_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* --- permute, transpose ------------------------------------------------------------------------------------------------------ */
static bool permutation(ml_call *c, int to[ML_MAX_DIMS])
{
    const ml_dims *dims = &((const ml_permute_opts *)c->opts)->dims;
    int  n = c->in[0]->shape.n;
    bool seen[ML_MAX_DIMS] = { false };
    if (dims->n != n) return ml_fail("permute: needs all %d dimensions of %s, got %d", n, ml_shape_text(&c->in[0]->shape), dims->n);
    for (int d = 0; d < n; d++) {
        if (!mli_dim("permute", dims->at[d], n, &to[d])) return false;
        if (seen[to[d]]) return ml_fail("permute: dimension %d is given twice", to[d] + 1);
        seen[to[d]] = true;
    }
    return true;
}

static bool permute_infer(ml_call *c)
{
    int to[ML_MAX_DIMS];
    if (!permutation(c, to)) return false;
    c->shape.n = c->in[0]->shape.n;
    for (int d = 0; d < c->shape.n; d++) c->shape.size[d] = c->in[0]->shape.size[to[d]];
    return true;
}

static bool permute_forward(ml_call *c)
{
    int     to[ML_MAX_DIMS];
    int64_t strides[ML_MAX_DIMS];
    permutation(c, to);
    for (int d = 0; d < c->shape.n; d++) strides[d] = c->in[0]->strides[to[d]];
    return view(c, c->shape, strides, c->in[0]->offset);
}

static bool permute_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int     to[ML_MAX_DIMS];
    ml_dims back = { .n = c->in[0]->shape.n };
    permutation(c, to);
    for (int d = 0; d < back.n; d++) back.at[to[d]] = d;
    dx[0] = ml_permute(dy, &(ml_permute_opts){ back });
    return dx[0] != NULL;
}

static bool swap_of(ml_call *c, int *a, int *b)
{
    const ml_transpose_opts *o = c->opts;
    int n = c->in[0]->shape.n;
    if (n < 2) return ml_fail("transpose: needs at least 2 dimensions, got shape %s", ml_shape_text(&c->in[0]->shape));
    return mli_dim("transpose", o->dim1, n, a) && mli_dim("transpose", o->dim2, n, b);
}

static bool transpose_infer(ml_call *c)
{
    int a, b;
    if (!swap_of(c, &a, &b)) return false;
    c->shape         = c->in[0]->shape;
    c->shape.size[a] = c->in[0]->shape.size[b];
    c->shape.size[b] = c->in[0]->shape.size[a];
    return true;
}

static bool transpose_forward(ml_call *c)
{
    int     a, b;
    int64_t strides[ML_MAX_DIMS];
    swap_of(c, &a, &b);
    memcpy(strides, c->in[0]->strides, sizeof strides);
    strides[a] = c->in[0]->strides[b];
    strides[b] = c->in[0]->strides[a];
    return view(c, c->shape, strides, c->in[0]->offset);
}

static bool transpose_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_transpose(dy, c->opts);
    return dx[0] != NULL;
}

/* --- slice and its adjoint ---------------------------------------------------------------------------------------------------- */
/* As Python's: negative positions count from the end, positions beyond the ends are cut. */
static bool slice_range(ml_call *c, int *dim, int64_t *start, int64_t *step, int64_t *count)
{
    const ml_slice_opts *o = c->opts;
    if (c->in[0]->shape.n == 0) return ml_fail("slice: a single number has no dimension to cut");
    if (!mli_dim("slice", o->dim, c->in[0]->shape.n, dim)) return false;
    if (o->step < 1) return ml_fail("slice: the step must be at least 1, got %lld", (long long)o->step);
    int64_t n = c->in[0]->shape.size[*dim], stop = o->stop < 0 ? o->stop + n : o->stop;
    *start = o->start < 0 ? o->start + n : o->start;
    if (*start < 0) *start = 0;
    if (stop > n) stop = n;
    *step  = o->step <= n ? o->step : n > 0 ? n : 1; /* a larger one takes no other values, and could overflow */
    *count = stop > *start ? (stop - *start + *step - 1) / *step : 0;
    if (*count == 0 && *start > n) *start = n;
    return true;
}

static bool slice_infer(ml_call *c)
{
    int     dim;
    int64_t start, step, count;
    if (!slice_range(c, &dim, &start, &step, &count)) return false;
    c->shape           = c->in[0]->shape;
    c->shape.size[dim] = count;
    return true;
}

static bool slice_forward(ml_call *c)
{
    int     dim;
    int64_t start, step, count, strides[ML_MAX_DIMS];
    slice_range(c, &dim, &start, &step, &count);
    memcpy(strides, c->in[0]->strides, sizeof strides);
    int64_t offset = c->in[0]->offset + (count ? start * strides[dim] : 0);
    strides[dim] *= step;
    return view(c, c->shape, strides, offset);
}

static bool slice_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int     dim;
    int64_t start, step, count;
    slice_range(c, &dim, &start, &step, &count);
    dx[0] = ml_unslice(dy, &(ml_unslice_opts){ .dim = dim, .start = start, .size = c->in[0]->shape.size[dim], .step = step });
    return dx[0] != NULL;
}

static bool unslice_infer(ml_call *c)
{
    const ml_unslice_opts *o = c->opts;
    int dim;
    if (c->in[0]->shape.n == 0) return ml_fail("unslice: a single number has no dimension");
    if (!mli_dim("unslice", o->dim, c->in[0]->shape.n, &dim)) return false;
    int64_t n = c->in[0]->shape.size[dim];
    if (o->step < 1 || o->start < 0 || o->size < 0 || o->size > INT64_MAX / 2 ||
        (n > 0 && (o->start >= o->size || n - 1 > (o->size - 1 - o->start) / o->step)))
        return ml_fail("unslice: %lld values from %lld by %lld do not fit into %lld", (long long)n, (long long)o->start,
                       (long long)o->step, (long long)o->size);
    c->shape           = c->in[0]->shape;
    c->shape.size[dim] = o->size;
    return true;
}

static bool unslice_forward(ml_call *c)
{
    const ml_unslice_opts *o = c->opts;
    int64_t strides[ML_MAX_DIMS];
    int     dim;
    mli_dim("unslice", o->dim, c->shape.n, &dim);
    memset(mli_data(c->out), 0, (size_t)ml_tensor_numel(c->out) * ml_dtype_bytes(c->dtype));
    memcpy(strides, c->out->strides, sizeof strides);
    int64_t offset = o->start * strides[dim];
    if (c->in[0]->shape.size[dim] > 1) strides[dim] *= o->step;
    if (ml_tensor_numel(c->in[0]) == 0) return true;
    return mli_write(mli_view(c->out, c->in[0]->shape, strides, offset), c->in[0]);
}

static bool unslice_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_unslice_opts *o = c->opts;
    int dim;
    mli_dim("unslice", o->dim, c->shape.n, &dim);
    int64_t n = c->in[0]->shape.size[dim];
    dx[0] = ml_slice(dy, &(ml_slice_opts){ .dim = dim, .start = o->start, .stop = n ? o->start + (n - 1) * o->step + 1 : o->start,
                                           .step = o->step });
    return dx[0] != NULL;
}

/* --- contiguous ---------------------------------------------------------------------------------------------------------------- */
static bool same_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    return true;
}

static bool contiguous_forward(ml_call *c)
{
    c->out = mli_contiguous(c->in[0]);
    return c->out != NULL;
}

static bool contiguous_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = dy;
    return true;
}

/* --- vmap: the batch is one more dimension in front ----------------------------------------------------------------------------- */
ml_shape mli_behind(int64_t batch, const ml_shape *s)
{
    ml_shape out = { s->n + 1, { batch } };
    if (s->n < ML_MAX_DIMS) memcpy(out.size + 1, s->size, (size_t)s->n * sizeof *s->size);
    return out;
}

bool mli_room_for_batch(const ml_call *c, const ml_shape *s)
{
    return s->n < ML_MAX_DIMS || ml_fail("%s: %s inside vmap leaves no room for the batch, at most %d dimensions are possible",
                                         ml_op_info_at(c->id)->name, ml_shape_text(s), ML_MAX_DIMS);
}

bool mli_dim_behind(const ml_call *c, int64_t dim, int n, int *out)
{
    if (!mli_own_dim(ml_op_info_at(c->id)->name, dim, n, out)) return false;
    ++*out;
    return true;
}

static ml_tensor *reshape_vmap(ml_call *c, const bool batched[], int64_t n) /* of both */
{
    (void)batched;
    ml_shape want = ((const ml_reshape_opts *)c->opts)->shape, one = c->in[0]->shape;
    if (!mli_room_for_batch(c, &want)) return NULL;
    if (n == 0) /* nothing tells what -1 is: one of the batch does */
        for (int d = 0; d < want.n; d++) {
            int64_t numel = 1, known = 1;
            for (int i = 1; i < one.n; i++) numel *= one.size[i];
            for (int i = 0; i < want.n; i++) known *= want.size[i] == -1 ? 1 : want.size[i];
            if (want.size[d] == -1 && known > 0) want.size[d] = numel / known;
        }
    want = mli_behind(n, &want);
    return ml_op_apply(c->id, c->in, 1, &want);
}

static ml_tensor *expand_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched;
    const ml_shape *want = &((const ml_expand_opts *)c->opts)->shape;
    if (!mli_room_for_batch(c, want)) return NULL;
    return ml_expand(mli_pad_dims(c->in[0], 1, want->n), &(ml_expand_opts){ mli_behind(n, want) });
}

static ml_tensor *sum_to_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched;
    const ml_shape *want = &((const ml_sum_to_opts *)c->opts)->shape;
    ml_shape        wide = { c->in[0]->shape.n, { n } };
    for (int d = 1; d < wide.n; d++) {
        int k        = want->n - wide.n + d;
        wide.size[d] = k < 0 ? 1 : want->size[k];
    }
    return ml_reshape(ml_sum_to(c->in[0], &(ml_sum_to_opts){ wide }), &(ml_reshape_opts){ mli_behind(n, want) });
}

static ml_tensor *permute_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_dims dims = ((const ml_permute_opts *)c->opts)->dims, out = { dims.n + 1, { 0 } };
    for (int i = 0; i < dims.n; i++) out.at[i + 1] = dims.at[i] + (dims.at[i] < 0 ? 0 : 1);
    return ml_permute(c->in[0], &(ml_permute_opts){ out });
}

static int shifted(int dim) { return dim < 0 ? dim : dim + 1; }

static ml_tensor *transpose_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_transpose_opts *o = c->opts;
    if (c->in[0]->shape.n < 3) return ml_fail("transpose: needs at least 2 dimensions, inside vmap each has %d", c->in[0]->shape.n - 1);
    return ml_transpose(c->in[0], &(ml_transpose_opts){ shifted(o->dim1), shifted(o->dim2) });
}

static ml_tensor *slice_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_slice_opts o = *(const ml_slice_opts *)c->opts;
    if (c->in[0]->shape.n < 2) return ml_fail("slice: a single number has no dimension to cut");
    o.dim = shifted(o.dim);
    return ml_slice(c->in[0], &o);
}

static ml_tensor *unslice_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_unslice_opts o = *(const ml_unslice_opts *)c->opts;
    if (c->in[0]->shape.n < 2) return ml_fail("unslice: a single number has no dimension");
    o.dim = shifted(o.dim);
    return ml_unslice(c->in[0], &o);
}

static ml_tensor *contiguous_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    return ml_contiguous(c->in[0]);
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------- */
static const ml_reshape_opts   to_6   = { { 1, { 6 } } }, to_free = { { 2, { 3, -1 } } }, to_none = { { 0, { 0 } } };
static const ml_view_opts      split  = { { 3, { 2, -1, 3 } } }, apart = { { 2, { 3, 2 } } };
static const ml_expand_opts    to_423 = { { 3, { 4, 2, 3 } } };
static const ml_sum_to_opts    to_13  = { { 2, { 1, 3 } } }, to_3 = { { 1, { 3 } } };
static const ml_permute_opts   cycle  = { { 3, { 2, 0, 1 } } };
static const ml_transpose_opts outer  = { 0, 2 }, swap_last = { -2, -1 };
static const ml_slice_opts     middle = { 0, 1, 3, 1 }, every_2 = { 1, 0, INT64_MAX, 2 };
static const ml_unslice_opts   spread = { 0, 1, 8, 2 };

static const ml_sample reshape_samples[]    = { { .in = { "(2, 3)" }, .opts = &to_6 }, { .in = { "(6, 2)" }, .opts = &to_free },
                                                { .in = { "(1, 1)" }, .opts = &to_none }, { 0 } };
static const ml_sample view_samples[]       = { { .in = { "(4, 3)" }, .opts = &split }, { .in = { "(6)" }, .opts = &apart }, { 0 } }; /* of any layout */
static const ml_sample expand_samples[]     = { { .in = { "(2, 1)" }, .opts = &to_423 }, { .in = { "(2, 3)" }, .opts = &to_423 }, { 0 } };
static const ml_sample sum_to_samples[]     = { { .in = { "(4, 3)" }, .opts = &to_13 }, { .in = { "(2, 4, 3)" }, .opts = &to_3 }, { 0 } };
static const ml_sample permute_samples[]    = { { .in = { "(2, 3, 4)" }, .opts = &cycle }, { 0 } };
static const ml_sample transpose_samples[]  = { { .in = { "(2, 3)" }, .opts = &swap_last }, { .in = { "(2, 3, 4)" }, .opts = &outer }, { 0 } };
static const ml_sample slice_samples[]      = { { .in = { "(5, 2)" }, .opts = &middle }, { .in = { "(2, 5)" }, .opts = &every_2 }, { 0 } };
static const ml_sample unslice_samples[]    = { { .in = { "(3, 2)" }, .opts = &spread }, { 0 } };
static const ml_sample contiguous_samples[] = { { .in = { "(2, 3)" } }, { 0 } };

#define VIEWING(name) const ml_op ml_op_##name = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = name##_infer, \
                                                   .forward = name##_forward, .vjp = name##_vjp, .vmap = name##_vmap, .samples = name##_samples };
VIEWING(reshape)
#define view_infer   reshape_infer
#define view_vjp     reshape_vjp
#define view_vmap    reshape_vmap
VIEWING(view)
VIEWING(expand)
VIEWING(permute)
VIEWING(transpose)
VIEWING(slice)
#define contiguous_infer same_infer
VIEWING(contiguous)
const ml_op ml_op_sum_to  = { .kind = ML_LINEAR, .flags = ML_COUNTS, .infer = sum_to_infer, .vjp = sum_to_vjp, .compose = sum_to_compose, .vmap = sum_to_vmap, .samples = sum_to_samples };
const ml_op ml_op_unslice = { .kind = ML_LINEAR, .infer = unslice_infer, .forward = unslice_forward, .vjp = unslice_vjp, .vmap = unslice_vmap, .samples = unslice_samples };
