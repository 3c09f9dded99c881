#include "ops/dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *name_of(const ml_call *c) { return ml_op_info_at(c->id)->name; }

/* --- shape rules --------------------------------------------------------------------------------------------------------- */
bool mli_is_matrix(const ml_call *c, int i)
{
    const ml_shape *s = &c->in[i]->shape;
    if (s->n < 2) return ml_fail("%s: needs a matrix, got shape %s", name_of(c), ml_shape_text(s));
    if (s->size[s->n - 1] > MLI_LAPACK_MOST || s->size[s->n - 2] > MLI_LAPACK_MOST)
        return ml_fail("%s: takes at most %d rows and columns, got shape %s", name_of(c), MLI_LAPACK_MOST, ml_shape_text(s));
    return true;
}

bool mli_is_square(const ml_call *c, int i)
{
    if (!mli_is_matrix(c, i)) return false;
    if (mli_rows(c->in[i]) != mli_cols(c->in[i])) return ml_fail("%s: needs a square matrix, got shape %s", name_of(c), ml_shape_text(&c->in[i]->shape));
    return true;
}

bool mli_square_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    return mli_is_square(c, 0);
}

static ml_shape batch_shape(const ml_shape *s) { ml_shape b = *s; b.n = b.n > 2 ? b.n - 2 : 0; return b; }

bool mli_solution_infer(ml_call *c)
{
    const ml_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape;
    if (!mli_is_matrix(c, 0)) return false;
    bool     vector = b->n == 1;
    ml_shape ab = batch_shape(a), bb = batch_shape(b);
    if (b->n == 0 || b->size[vector ? 0 : b->n - 2] != mli_rows(c->in[0]))
        return ml_fail("%s: the right side, shape %s, must have %lld rows, as the matrix, shape %s", name_of(c), ml_shape_text(b), (long long)mli_rows(c->in[0]),
                       ml_shape_text(a));
    if (!vector && b->size[b->n - 1] > MLI_LAPACK_MOST)
        return ml_fail("%s: takes at most %d columns, got shape %s", name_of(c), MLI_LAPACK_MOST, ml_shape_text(b));
    if (!ml_shape_broadcast(&ab, &bb, &c->shape))
        return ml_fail("%s: batch sizes do not broadcast: %s and %s", name_of(c), ml_shape_text(a), ml_shape_text(b));
    c->shape.size[c->shape.n++] = mli_cols(c->in[0]);
    if (!vector) c->shape.size[c->shape.n++] = b->size[b->n - 1];
    return true;
}

/* --- values -------------------------------------------------------------------------------------------------------------- */
int64_t mli_batch(const ml_shape *s)
{
    ml_shape b = batch_shape(s);
    return ml_shape_numel(&b);
}

double *mli_space(int64_t n)
{
    ml_tensor *t = ml_empty(ML_SHAPE(n), ML_F64);
    return t ? mli_data(t) : NULL;
}

double *mli_columns(const ml_call *c, ml_tensor *x)
{
    if (!x) return NULL;
    ml_shape s = x->shape;
    int      last = s.n - 1;
    int64_t  strides[ML_MAX_DIMS];
    memcpy(strides, x->strides, sizeof strides);
    s.size[last] = x->shape.size[last - 1], s.size[last - 1] = x->shape.size[last];
    strides[last] = x->strides[last - 1], strides[last - 1] = x->strides[last];
    ml_tensor *turned = mli_view(x, s, strides, x->offset);
    int64_t    n      = ml_shape_numel(&s);
    double    *v      = turned ? mli_space(n) : NULL;
    if (!v) return NULL;
    mli_strided_copy(turned, ML_F64, v);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return ml_fail("%s: the input, shape %s, holds %s; look where it comes from with ml.detect_anomaly", name_of(c), ml_shape_text(&x->shape),
                           isnan(v[i]) ? "NaN" : "an infinity");
    return v;
}

double *mli_result(ml_call *c)
{
    return c->dtype == ML_F64 ? mli_data(c->out) : mli_space(ml_shape_numel(&c->shape));
}

bool mli_deliver(ml_call *c, const double *values)
{
    int64_t n = ml_shape_numel(&c->shape);
    if (c->dtype != ML_F32) return true;
    float *out = mli_data(c->out);
    for (int64_t i = 0; i < n; i++) out[i] = (float)values[i];
    return true;
}

bool mli_transposed_copy(const double *columns, int64_t rows, int64_t cols, double *out)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) out[i * cols + j] = columns[j * rows + i];
    return true;
}

/* --- for rules ------------------------------------------------------------------------------------------------------------ */
ml_tensor *mli_rows_of(ml_tensor *x, int64_t first, int64_t n)
{
    return ml_slice(x, &(ml_slice_opts){ .dim = -2, .start = first, .stop = first + n, .step = 1 });
}

static ml_tensor *zero_like(const ml_tensor *x) { return ml_scalar(0, (ml_dtype)x->dtype); }

ml_tensor *mli_on_diagonal(ml_tensor *row)
{
    if (!row) return NULL;
    return ml_where(ml_cast(ml_eye(mli_cols(row), ML_F32), &(ml_cast_opts){ ML_BOOL }), row, zero_like(row)); /* infinity times 0 is not 0 */
}

ml_tensor *mli_symmetric(ml_tensor *x)
{
    ml_tensor *half = ml_mul(x, ml_number(0.5));
    return ml_add(half, ml_mT(half));
}

ml_tensor *mli_product3(ml_tensor *a, ml_tensor *b, ml_tensor *c) { return ml_matmul(ml_matmul(a, b), c); }

double mli_epsilon(const ml_tensor *x) { return x->dtype == ML_F32 ? (double)FLT_EPSILON : DBL_EPSILON; }

/* --- vmap ------------------------------------------------------------------------------------------------------------------ */
ml_tensor *mli_matrix_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    if (c->in[0]->shape.n < 3) return ml_fail("%s: needs a matrix, inside vmap each is of %d dimensions", name_of(c), c->in[0]->shape.n - 1);
    return ml_op_apply(c->id, c->in, 1, c->opts);
}

/* A vector for each of the batch is a column; matrices get as many dimensions of 1 as the other side has batches. */
ml_tensor *mli_solution_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[2] = { c->in[0], c->in[1] };
    int        rank[2], most = 2;
    (void)n;
    for (int i = 0; i < 2; i++) {
        rank[i] = in[i]->shape.n - batched[i];
        if (rank[i] < 2 - i) return ml_fail("%s: needs a matrix and a right side, inside vmap one of them has %d dimensions", name_of(c), rank[i]);
        if (rank[i] > most) most = rank[i];
    }
    bool vector = rank[1] == 1;
    if (vector) {
        ml_shape s = in[1]->shape;
        s.size[s.n++] = 1;
        in[1]         = ml_reshape(in[1], &(ml_reshape_opts){ s });
    }
    for (int i = 0; i < 2; i++)
        if (batched[i] && in[i]) in[i] = mli_pad_dims(in[i], 1, most);
    ml_tensor *y = ml_op_apply(c->id, in, 2, c->opts);
    if (!y || !vector) return y;
    ml_shape s = y->shape;
    s.n--;
    return ml_reshape(y, &(ml_reshape_opts){ s });
}
