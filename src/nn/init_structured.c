/* Initialisers whose values know of each other: orthogonal, identity, sparse. A weight is a matrix of its first size rows. */
#include "nn/module.h"

#include "tensor/tensor_impl.h"

typedef struct matrix {
    int64_t rows, cols;
} matrix;

static matrix matrix_of(const ml_shape *s)
{
    return (matrix){ s->size[0], ml_shape_numel(s) / s->size[0] };
}

static double scale_of(ml_init init) { return init.scale != 0 ? init.scale : 1; }

/* Q of a normal matrix, tall side up. R has a diagonal >= 0, which makes Q uniform among all (Mezzadri 2007). */
static ml_tensor *orthogonal(const ml_shape *s, ml_init init, ml_key key)
{
    matrix     m     = matrix_of(s);
    bool       tall  = m.rows >= m.cols;
    int64_t    high  = tall ? m.rows : m.cols, low = tall ? m.cols : m.rows;
    ml_tensor *parts = ml_qr_parts(ml_randn(ML_SHAPE(high, low), ML_F64, key));
    ml_tensor *q     = ml_slice(parts, &(ml_slice_opts){ .dim = 0, .start = 0, .stop = high, .step = 1 });
    return ml_reshape(ml_mul(tall ? q : ml_mT(q), ml_number(scale_of(init))), &(ml_reshape_opts){ *s });
}

/* The middle of a kernel of even size is the place before: where "same" padding has output i meet input i. */
static ml_tensor *identity(const ml_shape *s, ml_init init)
{
    int64_t groups = init.groups ? init.groups : 1, inputs = s->size[1], area = 1, middle = 0;
    if (s->size[0] % groups) return ml_fail("init: %lld groups do not divide the first size of %s", (long long)groups, ml_shape_text(s));
    for (int d = 2; d < s->n; d++) {
        area *= s->size[d];
        middle = middle * s->size[d] + (s->size[d] - 1) / 2;
    }
    ml_tensor *t = ml_zeros(*s, ML_F64);
    double    *v = t ? ml_tensor_mutable_data(t) : NULL;
    int64_t    rows = s->size[0] / groups;
    for (int64_t g = 0; v && g < groups; g++)
        for (int64_t i = 0; i < rows && i < inputs; i++) v[((g * rows + i) * inputs + i) * area + middle] = scale_of(init);
    return t;
}

static ml_tensor *sparse(const ml_shape *s, ml_init init, ml_key key)
{
    matrix     m = matrix_of(s);
    int64_t    k = init.connections ? init.connections : 15;
    uint32_t   other[4];
    ml_philox(key, UINT64_MAX, other); /* a counter that no draw comes to */
    if (k > m.cols) k = m.cols;
    ml_key     second = { (uint64_t)other[0] << 32 | other[1], (uint64_t)other[2] << 32 | other[3] };
    ml_tensor *at     = ml_argtopk(ml_rand(ML_SHAPE(m.rows, m.cols), ML_F64, key), &(ml_argtopk_opts){ .k = k, .dim = 1, .largest = true });
    ml_tensor *values = ml_contiguous(ml_randn(ML_SHAPE(m.rows, k), ML_F64, second)), *t = ml_zeros(*s, ML_F64);
    if (!at || !values || !t) return NULL;
    double        *v = ml_tensor_mutable_data(t);
    const double  *from = ml_tensor_data(values);
    const int64_t *place = ml_tensor_data(at);
    for (int64_t i = 0; i < m.rows * k; i++) v[i / k * m.cols + place[i]] = scale_of(init) * from[i];
    return t;
}

ml_tensor *mli_init_structured(ml_shape s, ml_init init, ml_key key)
{
    if (s.n < 2) return ml_fail("init: %s needs a matrix, got shape %s", ml_init_name(init.kind), ml_shape_text(&s));
    if (init.kind == ML_INIT_IDENTITY) return identity(&s, init);
    return init.kind == ML_INIT_ORTHOGONAL ? orthogonal(&s, init, key) : sparse(&s, init, key);
}
