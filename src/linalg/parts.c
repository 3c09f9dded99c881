/* Factorisations taken apart: what the packed operations hold (src/ops/factor.c), as recorded tensors of their own. */
#include "moonlab/linalg.h"

#include "ops/lapack.h"
#include "tensor/tensor_impl.h"

const char *ml_linalg_library(void)
{
    const mli_lapack *l = mli_lapack_find("linalg");
    return l ? l->about() : NULL;
}

static ml_tensor *rows(ml_tensor *x, int64_t first, int64_t n)
{
    return ml_slice(x, &(ml_slice_opts){ .dim = -2, .start = first, .stop = first + n, .step = 1 });
}

static ml_tensor *row(ml_tensor *x, int64_t at) /* (..., rows, k) -> (..., k) */
{
    ml_tensor *one = rows(x, at, 1);
    if (!one) return NULL;
    ml_shape s = one->shape;
    s.n--;
    s.size[s.n - 1] = s.size[s.n];
    return ml_reshape(one, &(ml_reshape_opts){ s });
}

bool ml_eigh(ml_tensor *x, ml_tensor **w, ml_tensor **v)
{
    ml_tensor *parts = ml_eigh_parts(x);
    if (!parts) return false;
    *w = row(parts, 0);
    *v = rows(parts, 1, x->shape.size[x->shape.n - 1]);
    return *w && *v;
}

bool ml_svd(ml_tensor *x, ml_tensor **u, ml_tensor **s, ml_tensor **v)
{
    ml_tensor *parts = ml_svd_parts(x);
    if (!parts) return false;
    int64_t m = x->shape.size[x->shape.n - 2], n = x->shape.size[x->shape.n - 1];
    *u = rows(parts, 0, m);
    *s = row(parts, m);
    *v = rows(parts, m + 1, n);
    return *u && *s && *v;
}

bool ml_qr(ml_tensor *x, ml_tensor **q, ml_tensor **r)
{
    ml_tensor *parts = ml_qr_parts(x);
    if (!parts) return false;
    int64_t m = x->shape.size[x->shape.n - 2], n = x->shape.size[x->shape.n - 1];
    *q = rows(parts, 0, m);
    *r = ml_mT(rows(parts, m, n));
    return *q && *r;
}

bool ml_sign_logdet(ml_tensor *x, ml_tensor **sign, ml_tensor **logdet)
{
    ml_tensor *both = ml_slogdet(x), **out[2] = { sign, logdet };
    if (!both) return false;
    ml_shape s = both->shape;
    s.n--;
    for (int i = 0; i < 2; i++)
        *out[i] = ml_reshape(ml_slice(both, &(ml_slice_opts){ .dim = -1, .start = i, .stop = i + 1, .step = 1 }), &(ml_reshape_opts){ s });
    return *sign && *logdet;
}
