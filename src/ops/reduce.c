/* What reductions share, and the first of them: sum, mean.
 *
 * Every reduction sees its input as (outer, reduced, inner), the reduced dimensions side by side; where they are not,
 * the input is permuted first. inner = 1 are rows, anything else are columns. The order of sums is that of src/kernels/sums.c,
 * which does not know of threads. */
#include "ops/reduce.h"

#include <string.h>

#define COLUMNS 512   /* a task of a sum over columns */
#define PIECE   65536 /* of a long row: a task, and a sum of its own */

/* --- dimensions ------------------------------------------------------------------------------------------------------- */
bool mli_dim(const char *op, int64_t dim, int n, int *out)
{
    int64_t d = dim < 0 ? dim + n : dim;
    if (n == 0 && (dim == 0 || dim == -1)) d = 0; /* a single number behaves like a vector of one */
    else if (d < 0 || d >= n)
        return ml_fail("%s: dimension %lld does not exist, the tensor has %d", op, (long long)(dim < 0 || dim == INT64_MAX ? dim : dim + 1), n);
    *out = (int)d;
    return true;
}

bool mli_own_dim(const char *op, int64_t dim, int n, int *out)
{
    if (n == 0) return ml_fail("%s: a single number has no dimensions", op);
    return mli_dim(op, dim, n, out);
}

bool mli_dims_mask(const char *op, const ml_dims *dims, int n, bool mask[ML_MAX_DIMS])
{
    for (int d = 0; d < ML_MAX_DIMS; d++) mask[d] = dims->n == 0 && d < n;
    for (int i = 0; i < dims->n; i++) {
        int d;
        if (!mli_dim(op, dims->at[i], n, &d)) return false;
        if (mask[d]) return ml_fail("%s: dimension %d is given twice", op, d + 1);
        mask[d] = n > 0;
    }
    return true;
}

ml_shape mli_reduced_shape(const ml_shape *in, const bool mask[ML_MAX_DIMS], bool keepdim)
{
    ml_shape out = { 0 };
    for (int d = 0; d < in->n; d++) {
        if (!mask[d]) out.size[out.n++] = in->size[d];
        else if (keepdim) out.size[out.n++] = 1;
    }
    return out;
}

/* Kept dimensions first, reduced ones last; returns where the reduced ones begin. */
static int gather_dims(ml_tensor **x, const bool mask[ML_MAX_DIMS])
{
    const ml_tensor *from  = *x;
    ml_shape         shape = { 0 };
    int64_t          strides[ML_MAX_DIMS];
    int              n_kept = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int d = 0; d < from->shape.n; d++) {
            if (mask[d] != (pass == 1)) continue;
            n_kept += pass == 0;
            strides[shape.n]      = from->strides[d];
            shape.size[shape.n++] = from->shape.size[d];
        }
    *x = mli_view(from, shape, strides, from->offset);
    return n_kept;
}

bool mli_make_block(ml_tensor *x, const bool mask[ML_MAX_DIMS], mli_block *b)
{
    int n = x->shape.n, first = n, last = n - 1; /* nothing reduced: the range first..last is empty */
    for (int d = n - 1; d >= 0; d--)
        if (mask[d]) first = d;
    if (first < n)
        while (!mask[last]) last--;
    for (int d = first; d <= last; d++)
        if (!mask[d] && x->shape.size[d] != 1) {
            first = gather_dims(&x, mask);
            last  = n - 1;
            break;
        }
    if (!(x = mli_contiguous(x))) return false;
    b->x     = x;
    b->outer = b->reduced = b->inner = 1;
    for (int d = 0; d < n; d++) *(d < first ? &b->outer : d <= last ? &b->reduced : &b->inner) *= x->shape.size[d];
    return true;
}

/* --- sums ----------------------------------------------------------------------------------------------------------------- */
typedef struct {
    mli_block b;
    double    scale;
    void     *out;
    double   *pieces; /* of long rows: their sums */
} sum_job;

static int64_t rows_a_task(const mli_block *b) /* about 32768 elements a task */
{
    int64_t each = b->reduced * b->inner;
    return each >= 32768 ? 1 : each < 1 ? 32768 : 32768 / each;
}

static double sum_of(const sum_job *j, int64_t first, int64_t n)
{
    if (j->b.x->dtype == ML_F32) return mlk()->sum_f32(n, (const float *)mli_data(j->b.x) + first);
    return mlk()->sum_f64(n, (const double *)mli_data(j->b.x) + first);
}

static void put_sum(const sum_job *j, int64_t row, double total)
{
    if (j->b.x->dtype == ML_F32) ((float *)j->out)[row] = (float)(j->scale * total);
    else ((double *)j->out)[row] = j->scale * total;
}

static void sum_rows(void *ctx, int64_t i)
{
    sum_job *j    = ctx;
    int64_t  each = rows_a_task(&j->b), n = j->b.reduced;
    for (int64_t r = i * each; r < (i + 1) * each && r < j->b.outer; r++) put_sum(j, r, sum_of(j, r * n, n));
}

static void sum_piece(void *ctx, int64_t i)
{
    sum_job *j = ctx;
    int64_t  n = j->b.reduced, pieces = (n + PIECE - 1) / PIECE, first = i % pieces * PIECE;
    j->pieces[i] = sum_of(j, i / pieces * n + first, n - first < PIECE ? n - first : PIECE);
}

/* Rows of several pieces: of one row, too, all threads take a part. */
static bool sum_long_rows(sum_job *j)
{
    int64_t pieces = (j->b.reduced + PIECE - 1) / PIECE, n = j->b.outer * pieces;
    j->pieces      = ml_block_take((size_t)n * sizeof *j->pieces);
    if (!j->pieces) return false;
    ml_parallel(n, sum_piece, j);
    for (int64_t r = 0; r < j->b.outer; r++) put_sum(j, r, mlk()->sum_f64(pieces, j->pieces + r * pieces));
    ml_block_give(j->pieces, (size_t)n * sizeof *j->pieces);
    return true;
}

void mli_sum_down(ml_dtype dtype, int64_t rows, int64_t n, const void *x, int64_t step, double scale, void *out)
{
    if (rows == 1 && scale == 1) { /* one for each of a batch */
        memcpy(out, x, (size_t)n * ml_dtype_bytes(dtype));
        return;
    }
    for (int64_t first = 0; first < n; first += COLUMNS) {
        int64_t k = n - first < COLUMNS ? n - first : COLUMNS;
        double  total[COLUMNS];
        memset(total, 0, (size_t)k * sizeof *total);
        if (dtype == ML_F32) {
            mlk()->sum_rows_f32(rows, k, (const float *)x + first, step, total);
            for (int64_t c = 0; c < k; c++) ((float *)out)[first + c] = (float)(scale * total[c]);
        } else {
            mlk()->sum_rows_f64(rows, k, (const double *)x + first, step, total);
            for (int64_t c = 0; c < k; c++) ((double *)out)[first + c] = scale * total[c];
        }
    }
}

/* Some columns of one outer index. */
static void sum_columns(void *ctx, int64_t task)
{
    sum_job *j     = ctx;
    int64_t  parts = (j->b.inner + COLUMNS - 1) / COLUMNS, first = task % parts * COLUMNS, rows = j->b.reduced;
    int64_t  n     = j->b.inner - first < COLUMNS ? j->b.inner - first : COLUMNS;
    int64_t  from  = task / parts * rows * j->b.inner + first, to = task / parts * j->b.inner + first;
    ml_dtype dtype = (ml_dtype)j->b.x->dtype;
    int64_t  width = (int64_t)ml_dtype_bytes(dtype);
    mli_sum_down(dtype, rows, n, (const char *)mli_data(j->b.x) + from * width, j->b.inner, j->scale, (char *)j->out + to * width);
}

static void sum_integers(const mli_block *b, int64_t *out)
{
    const int64_t *x = mli_data(b->x);
    for (int64_t o = 0; o < b->outer; o++)
        for (int64_t c = 0; c < b->inner; c++) {
            uint64_t total = 0; /* wraps around, as NumPy's */
            for (int64_t r = 0; r < b->reduced; r++) total += (uint64_t)x[(o * b->reduced + r) * b->inner + c];
            out[o * b->inner + c] = (int64_t)total;
        }
}

static bool sum_over(ml_call *c, const bool mask[ML_MAX_DIMS], double scale)
{
    sum_job j = { .scale = scale, .out = mli_data(c->out) };
    if (!mli_make_block(c->in[0], mask, &j.b)) return false;
    if (j.b.x->dtype == ML_I64) {
        sum_integers(&j.b, j.out);
    } else if (j.b.inner == 1 && j.b.reduced > PIECE && j.b.outer > 0) {
        return sum_long_rows(&j);
    } else if (j.b.inner == 1) {
        int64_t each = rows_a_task(&j.b);
        ml_parallel((j.b.outer + each - 1) / each, sum_rows, &j);
    } else {
        ml_parallel(j.b.outer * ((j.b.inner + COLUMNS - 1) / COLUMNS), sum_columns, &j);
    }
    return true;
}

/* --- what the dimension options mean --------------------------------------------------------------------------------------- */
MLI_IS_OVER(mean);

bool mli_reduce_infer(ml_call *c)
{
    const mli_over *o = c->opts;
    bool        mask[ML_MAX_DIMS];
    if (!mli_dims_mask(ml_op_info_at(c->id)->name, &o->dims, c->in[0]->shape.n, mask)) return false;
    c->shape = mli_reduced_shape(&c->in[0]->shape, mask, o->keepdim);
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return true;
}

void mli_reduce_mask(const ml_call *c, bool mask[ML_MAX_DIMS])
{
    mli_dims_mask("", &((const mli_over *)c->opts)->dims, c->in[0]->shape.n, mask); /* infer has checked it */
}

/* y with the reduced dimensions put back as 1, so that it broadcasts against the input. */
ml_tensor *mli_keep_dims(const ml_call *c, ml_tensor *y)
{
    bool mask[ML_MAX_DIMS];
    mli_reduce_mask(c, mask);
    return ml_reshape(y, &(ml_reshape_opts){ mli_reduced_shape(&c->in[0]->shape, mask, true) });
}

int64_t mli_n_reduced(const ml_call *c)
{
    bool    mask[ML_MAX_DIMS];
    int64_t n = 1;
    mli_reduce_mask(c, mask);
    for (int d = 0; d < c->in[0]->shape.n; d++) n *= mask[d] ? c->in[0]->shape.size[d] : 1;
    return n;
}

/* The batch is a dimension in front that is never reduced. */
ml_tensor *mli_reduce_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched, (void)batch;
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    memcpy(opts, c->opts, ml_op_info_at(c->id)->opts_bytes);
    ml_dims *dims = &((mli_over *)(void *)opts)->dims;
    int      n    = c->in[0]->shape.n - 1;
    if (n == 0) { /* each is a single number: reduced over one of its own */
        ml_tensor *column = ml_reshape(c->in[0], &(ml_reshape_opts){ { 2, { batch, 1 } } });
        *(mli_over *)(void *)opts = (mli_over){ ML_DIMS(1), false };
        return ml_op_apply(c->id, &column, 1, opts);
    }
    if (dims->n == 0)
        for (; dims->n < n; dims->n++) dims->at[dims->n] = dims->n + 1;
    else
        for (int i = 0; i < dims->n; i++) dims->at[i] += dims->at[i] < 0 ? 0 : 1;
    return ml_op_apply(c->id, c->in, 1, opts);
}

bool mli_reduce_block(ml_call *c, mli_block *b)
{
    bool mask[ML_MAX_DIMS];
    mli_reduce_mask(c, mask);
    return mli_make_block(c->in[0], mask, b);
}

bool mli_refuse_nothing(const ml_call *c)
{
    if (ml_tensor_numel(c->in[0]) > 0 || ml_shape_numel(&c->shape) == 0) return true;
    return ml_fail("%s: of no values, shape %s, is not defined", ml_op_info_at(c->id)->name, ml_shape_text(&c->in[0]->shape));
}

bool mli_dim_block(ml_call *c, int dim, mli_block *b)
{
    ml_dims dims = { 1, { dim } };
    bool    mask[ML_MAX_DIMS];
    return mli_dims_mask(ml_op_info_at(c->id)->name, &dims, c->in[0]->shape.n, mask) && mli_make_block(c->in[0], mask, b);
}

ml_tensor *mli_dim_vmap(ml_call *c, void *o, int *dim, bool *keepdim, int64_t batch)
{
    ml_tensor *x = c->in[0];
    if (x->shape.n > 1) {
        if (*dim >= 0) ++*dim;
        return ml_op_apply(c->id, &x, 1, o);
    }
    ml_tensor *column = ml_reshape(x, &(ml_reshape_opts){ { 2, { batch, 1 } } }); /* each is a single number, the first of one */
    *dim = 1;
    if (keepdim) *keepdim = false;
    ml_tensor *y = ml_op_apply(c->id, &column, 1, o);
    return y && y->shape.n > 1 ? ml_reshape(y, &(ml_reshape_opts){ { 1, { batch } } }) : y;
}

/* --- sum, mean ---------------------------------------------------------------------------------------------------------------- */
static bool sum_forward(ml_call *c)
{
    bool mask[ML_MAX_DIMS];
    mli_reduce_mask(c, mask);
    return sum_over(c, mask, 1);
}

static bool sum_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_expand(mli_keep_dims(c, dy), &(ml_expand_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* Nothing is recorded: a view that repeats dy along the reduced dimensions. */
static bool sum_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    bool    mask[ML_MAX_DIMS], keeps = dy->shape.n == c->in[0]->shape.n;
    int64_t strides[ML_MAX_DIMS] = { 0 };
    mli_reduce_mask(c, mask);
    for (int d = 0, k = 0; d < c->in[0]->shape.n; d++) {
        if (!mask[d]) strides[d] = dy->strides[k];
        k += !mask[d] || keeps;
    }
    dx[0] = mli_view(dy, c->in[0]->shape, strides, dy->offset);
    return dx[0] != NULL;
}

static bool mean_forward(ml_call *c)
{
    bool mask[ML_MAX_DIMS];
    mli_reduce_mask(c, mask);
    return sum_over(c, mask, 1 / (double)mli_n_reduced(c)); /* of nothing: 0 * inf = NaN, as NumPy's */
}

static bool mean_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *each = ml_mul(mli_keep_dims(c, dy), ml_number(1 / (double)mli_n_reduced(c)));
    dx[0] = ml_expand(each, &(ml_expand_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const mli_over rows = { .dims = { 1, { 0 } } }, last_kept = { .dims = { 1, { -1 } }, .keepdim = true },
                  ends = { .dims = { 2, { 0, 2 } } };
static const ml_sample reduce_samples[] = {
    { .in = { "(3, 4)" } }, { .in = { "(3, 4)" }, .opts = &rows }, { .in = { "(3, 4)" }, .opts = &last_kept },
    { .in = { "(2, 3, 4)" }, .opts = &ends }, { .in = { "()" } }, { 0 }
};
const ml_op ml_op_sum    = { .kind = ML_LINEAR, .flags = ML_COUNTS, .infer = mli_reduce_infer, .forward = sum_forward, .vjp = sum_vjp, .vjp_direct = sum_direct, .vmap = mli_reduce_vmap, .samples = reduce_samples };
const ml_op ml_op_mean   = { .kind = ML_LINEAR, .flags = ML_FLOAT_ONLY, .infer = mli_reduce_infer, .forward = mean_forward, .vjp = mean_vjp, .vmap = mli_reduce_vmap, .samples = reduce_samples };
