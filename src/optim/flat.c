/* All parameters as one vector of f64, for methods that move along lines: read, write, and the loss there with its gradient. */
#include "optim/flat.h"

#include "tensor/tensor_impl.h"

#include <string.h>

int64_t mli_flat_size(const ml_optim *opt)
{
    int64_t n = 0;
    for (int i = 0; i < opt->n; i++) n += opt->slots[i].n;
    return n;
}

double *mli_flat_new(int64_t n)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(n > 0 ? n : 1), ML_F64);
    return t ? mli_data(t) : NULL;
}

void mli_flat_read(const ml_optim *opt, double *x)
{
    for (int i = 0; i < opt->n; x += opt->slots[i++].n) mli_strided_copy(opt->slots[i].w, ML_F64, x);
}

void mli_flat_write(ml_optim *opt, const double *x)
{
    for (int i = 0; i < opt->n; i++) {
        mli_slot *s = &opt->slots[i];
        void     *w = ml_tensor_mutable_data(s->w); /* a graph that has used the old values will say so */
        if (ml_tensor_dtype(s->w) == ML_F64) memcpy(w, x, (size_t)s->n * sizeof *x);
        else for (int64_t k = 0; k < s->n; k++) ((float *)w)[k] = (float)x[k];
        x += s->n;
    }
}

bool mli_flat_loss(ml_optim *opt, const mli_closure *f, double *loss, double *g)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *value = f->loss(f->ctx);
    bool       ok    = value != NULL;
    if (ok && value->inner) {
        ml_fail("%s: the loss differs between copies inside vmap; make the optimizer outside", opt->kind->info.name);
        ok = false;
    }
    ml_optim_zero_grad(opt);
    ok = ok && ml_backward(value, NULL);
    if (ok) *loss = ml_item(value);
    bool any = false;
    for (int i = 0; ok && i < opt->n; i++) {
        const mli_slot *s    = &opt->slots[i];
        ml_tensor      *grad = ml_tensor_grad(s->w);
        ok  = !grad || mli_has_values(opt->kind->info.name, grad);
        any = any || grad;
        if (ok && grad) mli_strided_copy(grad, ML_F64, g);
        else memset(g, 0, (size_t)s->n * sizeof *g);
        g += s->n;
    }
    ml_optim_zero_grad(opt);
    ml_scope_end(&scope);
    if (!ok || any) return ok;
    return ml_fail("%s: none of the %d parameters has a gradient: the loss does not depend on them", opt->kind->info.name, opt->n);
}

double mli_flat_dot(int64_t n, const double *a, const double *b)
{
    double sum[8] = { 0 }; /* an order of its own, the same on every machine */
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum[i & 7] += a[i] * b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

double mli_flat_largest(int64_t n, const double *a)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fabs(a[i]) > most || isnan(a[i]) ? fabs(a[i]) : most;
    return most;
}

void mli_flat_move(int64_t n, const double *x, double t, const double *d, double *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = x[i] + t * d[i];
}
