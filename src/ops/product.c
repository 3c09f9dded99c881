/* Products made of matmul and mul: names that people look for. */
#include "ops/matrix.h"

/* --- vectors --------------------------------------------------------------------------------------------------------- */
static bool two_vectors(const ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    if (x->n == 1 && y->n == 1) return true;
    return ml_fail("%s: needs two vectors, got %s and %s; matmul takes matrices, einsum anything", ml_op_info_at(c->id)->name, ml_shape_text(x),
                   ml_shape_text(y));
}

static bool dot_infer(ml_call *c)
{
    if (!two_vectors(c)) return false;
    if (c->in[0]->shape.size[0] != c->in[1]->shape.size[0])
        return ml_fail("dot: sizes differ: %s and %s", ml_shape_text(&c->in[0]->shape), ml_shape_text(&c->in[1]->shape));
    c->shape = ML_SCALAR;
    return true;
}

static ml_tensor *matmul_compose(ml_call *c) { return ml_matmul(c->in[0], c->in[1]); }

static bool outer_infer(ml_call *c)
{
    if (!two_vectors(c)) return false;
    c->shape = ML_SHAPE(c->in[0]->shape.size[0], c->in[1]->shape.size[0]);
    return true;
}

static ml_tensor *outer_compose(ml_call *c)
{
    ml_tensor *column = ml_reshape(c->in[0], &(ml_reshape_opts){ ML_SHAPE(c->in[0]->shape.size[0], 1) });
    return ml_mul(column, c->in[1]);
}

/* --- matrices -------------------------------------------------------------------------------------------------------- */
static bool bmm_infer(ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    if (x->n != 3 || y->n != 3 || x->size[0] != y->size[0] || x->size[2] != y->size[1])
        return ml_fail("bmm: needs (b, n, k) and (b, k, m), got %s and %s; matmul broadcasts", ml_shape_text(x), ml_shape_text(y));
    c->shape = ML_SHAPE(x->size[0], x->size[1], y->size[2]);
    return true;
}

enum { KRON_DIMS = ML_MAX_DIMS / 2 }; /* each becomes two on the way */

static bool kron_infer(ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    int rank = x->n > y->n ? x->n : y->n;
    if (rank > KRON_DIMS) return ml_fail("kron: takes at most %d dimensions, got %s and %s", KRON_DIMS, ml_shape_text(x), ml_shape_text(y));
    c->shape.n = rank;
    for (int d = 0; d < rank; d++) {
        int i = d - (rank - x->n), j = d - (rank - y->n);
        if (__builtin_mul_overflow(i < 0 ? 1 : x->size[i], j < 0 ? 1 : y->size[j], &c->shape.size[d]))
            return ml_fail("kron: %s and %s are too large together", ml_shape_text(x), ml_shape_text(y));
    }
    return true;
}

/* (n, m) and (k, l) as (n, 1, m, 1) and (1, k, 1, l): their product is (n, k, m, l). */
static ml_tensor *kron_compose(ml_call *c)
{
    ml_shape apart[2] = { { 0 } }, whole = { 0 };
    int      rank = c->in[0]->shape.n > c->in[1]->shape.n ? c->in[0]->shape.n : c->in[1]->shape.n;
    for (int d = 0; d < rank; d++) {
        int64_t size[2];
        for (int i = 0; i < 2; i++) {
            int own = d - (rank - c->in[i]->shape.n);
            size[i] = own < 0 ? 1 : c->in[i]->shape.size[own];
            apart[i].size[apart[i].n++] = i == 0 ? size[i] : 1;
            apart[i].size[apart[i].n++] = i == 0 ? 1 : size[i];
        }
        whole.size[whole.n++] = size[0] * size[1];
    }
    ml_tensor *product = ml_mul(ml_reshape(c->in[0], &(ml_reshape_opts){ apart[0] }), ml_reshape(c->in[1], &(ml_reshape_opts){ apart[1] }));
    return ml_reshape(product, &(ml_reshape_opts){ whole });
}

/* --- trace ------------------------------------------------------------------------------------------------------------- */
static bool trace_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    if (c->shape.n < 2) return ml_fail("trace: needs a matrix, got shape %s", ml_shape_text(&c->shape));
    c->shape.n -= 2;
    return true;
}

static ml_tensor *trace_compose(ml_call *c)
{
    return ml_sum_dim(ml_diagonal(c->in[0], &(ml_diagonal_opts){ .dim1 = -2, .dim2 = -1 }), -1, false);
}

/* --- samples, operations ------------------------------------------------------------------------------------------------- */
static const ml_sample dot_samples[]   = { { .in = { "(3)", "(3)" } }, { 0 } };
static const ml_sample outer_samples[] = { { .in = { "(2)", "(3)" } }, { 0 } };
static const ml_sample bmm_samples[]   = { { .in = { "(2, 2, 3)", "(2, 3, 2)" } }, { 0 } };
static const ml_sample kron_samples[]  = { { .in = { "(2, 2)", "(1, 3)" } }, { .in = { "(2)", "(2, 1, 2)" } }, { .in = { "()", "(2)" } }, { 0 } };
static const ml_sample trace_samples[] = { { .in = { "(3, 3)" } }, { .in = { "(2, 2, 3)" } }, { 0 } };

#define COMPOSED(name, KIND, COMPOSE) \
    const ml_op ml_op_##name = { .kind = KIND, .flags = ML_COUNTS, .infer = name##_infer, .compose = COMPOSE, .samples = name##_samples };
COMPOSED(dot,   ML_OTHER,  matmul_compose)
COMPOSED(bmm,   ML_OTHER,  matmul_compose)
COMPOSED(outer, ML_OTHER,  outer_compose)
COMPOSED(kron,  ML_OTHER,  kron_compose)
COMPOSED(trace, ML_LINEAR, trace_compose)
