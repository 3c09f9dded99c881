/* Diagonals: diagonal (a view) and diag_embed are each other's adjoint; tril and triu leave out one side. */
#include "ops/op.h"

#include <string.h>

static bool two_dims(const char *op, int dim1, int dim2, int n, int *a, int *b)
{
    if (n < 2) return ml_fail("%s: needs at least 2 dimensions, there are %d", op, n);
    if (!mli_dim(op, dim1, n, a) || !mli_dim(op, dim2, n, b)) return false;
    return *a != *b || ml_fail("%s: dim1 and dim2 are the same dimension, %d", op, *a + 1);
}

/* s without two dimensions */
static ml_shape without(const ml_shape *s, int a, int b)
{
    ml_shape out = ML_SCALAR;
    for (int d = 0; d < s->n; d++)
        if (d != a && d != b) out.size[out.n++] = s->size[d];
    return out;
}

/* How many values lie on the diagonal of (rows, columns) that is offset to the right. */
static int64_t length_of(int64_t rows, int64_t columns, int64_t offset)
{
    int64_t down = offset < 0 ? rows + offset : rows, along = offset > 0 ? columns - offset : columns;
    int64_t n    = down < along ? down : along;
    return n > 0 ? n : 0;
}

/* --- diagonal -------------------------------------------------------------------------------------------------------------- */
static bool diagonal_infer(ml_call *c)
{
    const ml_diagonal_opts *o = c->opts;
    const ml_shape         *s = &c->in[0]->shape;
    int a, b;
    if (!two_dims("diagonal", o->dim1, o->dim2, s->n, &a, &b)) return false;
    c->shape                    = without(s, a, b);
    c->shape.size[c->shape.n++] = length_of(s->size[a], s->size[b], o->offset);
    return true;
}

/* The diagonal of t as a view: of its shape without a and b, then the length. */
static ml_tensor *diagonal_view(const ml_tensor *t, int a, int b, int64_t offset, const ml_shape *shape)
{
    int64_t strides[ML_MAX_DIMS], start = t->offset;
    int     k = 0;
    for (int d = 0; d < t->shape.n; d++)
        if (d != a && d != b) strides[k++] = t->strides[d];
    strides[k] = t->strides[a] + t->strides[b];
    if (shape->size[k] > 0) start += offset > 0 ? offset * t->strides[b] : -offset * t->strides[a];
    return mli_view(t, *shape, strides, start);
}

static bool diagonal_forward(ml_call *c)
{
    const ml_diagonal_opts *o = c->opts;
    int a, b;
    if (!two_dims("diagonal", o->dim1, o->dim2, c->in[0]->shape.n, &a, &b)) return false;
    c->out = diagonal_view(c->in[0], a, b, o->offset, &c->shape);
    return c->out != NULL;
}

/* A square that the diagonal fits into, then cut or filled up to the shape of x. */
static bool diagonal_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_diagonal_opts *o = c->opts;
    const ml_shape         *s = &c->in[0]->shape;
    ml_pad_opts             fill = { .pad = { .n = 2 * s->n } };
    int a, b;
    if (!two_dims("diagonal", o->dim1, o->dim2, s->n, &a, &b)) return false;
    int64_t length = length_of(s->size[a], s->size[b], o->offset);
    if (length == 0) return true; /* no value of x is on it */
    int64_t side = length + (o->offset < 0 ? -o->offset : o->offset);
    fill.pad.at[2 * (s->n - 1 - a) + 1] = s->size[a] - side;
    fill.pad.at[2 * (s->n - 1 - b) + 1] = s->size[b] - side;
    dx[0] = ml_pad(ml_diag_embed(dy, &(ml_diag_embed_opts){ o->offset, a, b }), &fill);
    return dx[0] != NULL;
}

static ml_tensor *diagonal_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_diagonal_opts o = *(const ml_diagonal_opts *)c->opts;
    if (!two_dims("diagonal", o.dim1, o.dim2, c->in[0]->shape.n - 1, &o.dim1, &o.dim2)) return NULL;
    o.dim1++, o.dim2++;
    return ml_diagonal(c->in[0], &o);
}

/* --- diag_embed ------------------------------------------------------------------------------------------------------------- */
static bool diag_embed_infer(ml_call *c)
{
    const ml_diag_embed_opts *o = c->opts;
    const ml_shape           *s = &c->in[0]->shape;
    int     a, b;
    int64_t side;
    if (s->n == 0) return ml_fail("diag_embed: a single number has no dimensions; reshape it to {1}");
    if (s->n == ML_MAX_DIMS) return ml_fail("diag_embed: %s has %d dimensions already, more are not possible", ml_shape_text(s), ML_MAX_DIMS);
    if (!two_dims("diag_embed", o->dim1, o->dim2, s->n + 1, &a, &b)) return false;
    if (__builtin_add_overflow(s->size[s->n - 1], o->offset < 0 ? -(o->offset + 1) : o->offset, &side) || side > INT64_MAX - 2)
        return ml_fail("diag_embed: an offset of %lld is too far", (long long)o->offset);
    side += o->offset < 0;
    c->shape = (ml_shape){ .n = s->n + 1 };
    for (int d = 0, k = 0; d < c->shape.n; d++) c->shape.size[d] = d == a || d == b ? side : s->size[k++];
    return true;
}

static bool diag_embed_forward(ml_call *c)
{
    const ml_diag_embed_opts *o = c->opts;
    int a, b;
    if (!two_dims("diag_embed", o->dim1, o->dim2, c->shape.n, &a, &b)) return false;
    memset(mli_data(c->out), 0, (size_t)ml_tensor_numel(c->out) * ml_dtype_bytes(c->dtype));
    return ml_tensor_numel(c->in[0]) == 0 || mli_write(diagonal_view(c->out, a, b, o->offset, &c->in[0]->shape), c->in[0]);
}

static bool diag_embed_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_diag_embed_opts *o = c->opts;
    dx[0] = ml_diagonal(dy, &(ml_diagonal_opts){ o->offset, o->dim1, o->dim2 });
    return dx[0] != NULL;
}

static ml_tensor *diag_embed_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_diag_embed_opts o = *(const ml_diag_embed_opts *)c->opts;
    int one = c->in[0]->shape.n - 1;
    if (one == 0) return ml_fail("diag_embed: a single number has no dimensions; reshape it to {1}");
    if (!two_dims("diag_embed", o.dim1, o.dim2, one + 1, &o.dim1, &o.dim2)) return NULL;
    o.dim1++, o.dim2++;
    return ml_diag_embed(c->in[0], &o);
}

/* --- tril, triu -------------------------------------------------------------------------------------------------------------- */
static bool triangle_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    return c->shape.n >= 2 || ml_fail("%s: needs a matrix, got shape %s", ml_op_info_at(c->id)->name, ml_shape_text(&c->shape));
}

static bool triangle_forward(ml_call *c)
{
    ml_tensor *x = mli_contiguous(c->in[0]);
    if (!x) return false;
    int64_t     offset = ((const ml_tril_opts *)c->opts)->diagonal; /* triu's options are the same */
    int64_t     rows = c->shape.size[c->shape.n - 2], columns = c->shape.size[c->shape.n - 1], total = ml_tensor_numel(x);
    size_t      width = ml_dtype_bytes(c->dtype);
    const char *from = mli_data(x);
    char       *to   = mli_data(c->out);
    for (int64_t i = 0; total > 0 && i < total / columns; i++, from += (size_t)columns * width, to += (size_t)columns * width) {
        int64_t row = i % rows, cut = offset < -row ? 0 : offset >= columns - row ? columns : row + offset; /* columns left of the diagonal */
        if (c->id == ML_OP_tril && offset >= -row && cut < columns) cut++;
        size_t left = (size_t)cut * width, right = (size_t)columns * width - left;
        if (c->id == ML_OP_tril) memcpy(to, from, left), memset(to + left, 0, right);
        else memset(to, 0, left), memcpy(to + left, from + left, right);
    }
    return true;
}

static bool triangle_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_op_apply(c->id, &dy, 1, c->opts);
    return dx[0] != NULL;
}

static ml_tensor *triangle_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    if (c->in[0]->shape.n < 3) return ml_fail("%s: needs a matrix, inside vmap each has %d dimensions", ml_op_info_at(c->id)->name, c->in[0]->shape.n - 1);
    return ml_op_apply(c->id, c->in, 1, c->opts);
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------- */
static const ml_diagonal_opts   right_1 = { 1, 0, 1 }, outer = { -1, 2, 0 };
static const ml_diag_embed_opts left_1  = { -1, -2, -1 }, first_last = { 2, 0, -1 };
static const ml_tril_opts       below   = { -1 };
static const ml_triu_opts       above   = { 1 };

static const ml_sample diagonal_samples[]   = { { .in = { "(3, 4)" } }, { .in = { "(3, 2)" }, .opts = &right_1 }, { .in = { "(4, 2, 3)" }, .opts = &outer }, { 0 } };
static const ml_sample diag_embed_samples[] = { { .in = { "(3)" } }, { .in = { "(2, 3)" }, .opts = &left_1 }, { .in = { "(2, 2)" }, .opts = &first_last }, { 0 } };
static const ml_sample tril_samples[]       = { { .in = { "(3, 4)" } }, { .in = { "(2, 4, 2)" }, .opts = &below }, { 0 } };
static const ml_sample triu_samples[]       = { { .in = { "(4, 3)" } }, { .in = { "(2, 2, 3)" }, .opts = &above }, { 0 } };

const ml_op ml_op_diagonal   = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = diagonal_infer, .forward = diagonal_forward, .vjp = diagonal_vjp, .vmap = diagonal_vmap, .samples = diagonal_samples };
const ml_op ml_op_diag_embed = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = diag_embed_infer, .forward = diag_embed_forward, .vjp = diag_embed_vjp, .vmap = diag_embed_vmap, .samples = diag_embed_samples };
#define TRIANGLE(name) const ml_op ml_op_##name = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = triangle_infer, .forward = triangle_forward, \
                                                    .vjp = triangle_vjp, .vmap = triangle_vmap, .samples = name##_samples };
TRIANGLE(tril)
TRIANGLE(triu)
