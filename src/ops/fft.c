/* Fourier transforms of real numbers, any length, in f64 (f32 is rounded at the end).
 *
 * Of the free libraries, FFTW is under the GPL and kissfft is packaged for f32 alone, so this is our own: mixed radix by
 * recursion over the prime factors (fours first), and Bluestein's chirp for lengths with a large prime factor, which makes a
 * convolution of them whose length is a power of 2. An even number of real values is a transform of half as many complex ones. */
#include "ops/op.h"

#include <math.h>
#include <string.h>

typedef struct {
    double re, im;
} number;

static number times(number a, number b) { return (number){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re }; }
static number plus(number a, number b) { return (number){ a.re + b.re, a.im + b.im }; }
static number minus(number a, number b) { return (number){ a.re - b.re, a.im - b.im }; }
static number conjugate(number a) { return (number){ a.re, -a.im }; }

enum { MAX_FACTORS = 64, MOST_PRIME = 100 }; /* beyond it n^2 / p costs more than three transforms of powers of 2 */

/* What a length needs. The tables lie in one block, by plan_begin. */
typedef struct plan plan;
struct plan {
    int64_t n, m;                  /* m: 0, or the power of 2 of Bluestein's convolution */
    int     n_factors;
    int64_t factor[MAX_FACTORS];
    number *root;                  /* e^(-2 pi i k / n), k < n; with Bluestein of the length m */
    number *chirp, *kernel;        /* Bluestein: e^(-pi i k^2 / n), k < n; the transform of its conjugate, over m */
};

static number unit(int64_t k, int64_t n) /* e^(-2 pi i k / n) */
{
    double angle = -2 * 3.14159265358979323846 * (double)(k % n) / (double)n;
    return (number){ cos(angle), sin(angle) };
}

/* --- mixed radix ---------------------------------------------------------------------------------------------------------- */
static int64_t factorise(int64_t n, plan *p) /* returns the largest prime factor */
{
    int64_t largest = 1;
    p->n_factors    = 0;
    for (; n % 4 == 0; n /= 4) p->factor[p->n_factors++] = 4, largest = 2;
    for (int64_t d = 2; n > 1; d++) {
        if (d * d > n) d = n;
        for (; n % d == 0; n /= d) p->factor[p->n_factors++] = d, largest = d;
    }
    return largest;
}

/* r transforms of m values, out[k m + j] for k < r, become one of r m. The roots are those of the whole length, `step` apart. */
static void combine_2(const number *root, int64_t step, int64_t m, number *out)
{
    for (int64_t j = 0; j < m; j++) {
        number a = out[j], b = times(out[m + j], root[j * step]);
        out[j] = plus(a, b), out[m + j] = minus(a, b);
    }
}

static void combine_4(const number *root, int64_t step, int64_t m, number *out)
{
    for (int64_t j = 0; j < m; j++) {
        number x = out[j], y = times(out[m + j], root[j * step]), z = times(out[2 * m + j], root[2 * j * step]), w = times(out[3 * m + j], root[3 * j * step]);
        number a = plus(x, z), b = minus(x, z), c = plus(y, w), d = minus(y, w);
        out[j] = plus(a, c), out[2 * m + j] = minus(a, c);
        out[m + j]     = (number){ b.re + d.im, b.im - d.re };
        out[3 * m + j] = (number){ b.re - d.im, b.im + d.re };
    }
}

static void combine_any(const number *root, int64_t step, int64_t r, int64_t m, number *out, number *few)
{
    for (int64_t j = 0; j < m; j++) {
        for (int64_t k = 0; k < r; k++) few[k] = times(out[k * m + j], root[k * j * step]);
        for (int64_t q = 0; q < r; q++) {
            number sum = few[0];
            for (int64_t k = 1, at = q; k < r; k++, at = at + q >= r ? at + q - r : at + q) sum = plus(sum, times(few[k], root[at * m * step]));
            out[q * m + j] = sum;
        }
    }
}

/* out (n) = transform of in[0], in[stride], ...; few: room for the largest factor */
static void mixed(const plan *p, int level, int64_t n, const number *in, int64_t stride, number *out, number *few)
{
    int64_t r = n == 1 ? 1 : p->factor[level], m = n / r;
    if (m == 1)
        for (int64_t k = 0; k < n; k++) out[k] = in[k * stride];
    else
        for (int64_t k = 0; k < r; k++) mixed(p, level + 1, m, in + k * stride, stride * r, out + k * m, few);
    if (r == 4) combine_4(p->root, stride, m, out);
    else if (r == 2) combine_2(p->root, stride, m, out);
    else if (r > 1) combine_any(p->root, stride, r, m, out, few);
}

/* --- plans ------------------------------------------------------------------------------------------------------------------ */
/* Numbers of scratch that one transform needs. */
static int64_t scratch_of(const plan *p) { return p->m ? 2 * p->m + MOST_PRIME : MOST_PRIME; }

static void transform(const plan *p, const number *in, number *out, number *scratch)
{
    if (!p->m) {
        mixed(p, 0, p->n, in, 1, out, scratch);
        return;
    }
    number *a = scratch + MOST_PRIME, *b = a + p->m; /* jk = (j^2 + k^2 - (k - j)^2) / 2: a convolution with the chirp */
    for (int64_t j = 0; j < p->m; j++) a[j] = j < p->n ? times(in[j], p->chirp[j]) : (number){ 0, 0 };
    mixed(p, 0, p->m, a, 1, b, scratch);
    for (int64_t j = 0; j < p->m; j++) b[j] = conjugate(times(b[j], p->kernel[j])); /* back by the conjugate */
    mixed(p, 0, p->m, b, 1, a, scratch);
    for (int64_t k = 0; k < p->n; k++) out[k] = times(conjugate(a[k]), p->chirp[k]);
}

static number *numbers(int64_t n) /* a temporary of the scope */
{
    ml_tensor *t = ml_empty(ML_SHAPE(n, 2), ML_F64);
    return t ? mli_data(t) : NULL;
}

static bool plan_begin(plan *p, int64_t n)
{
    *p = (plan){ .n = n };
    if (factorise(n, p) > MOST_PRIME) {
        for (p->m = 1; p->m < 2 * n - 1;) p->m *= 2;
        factorise(p->m, p);
    }
    int64_t n_roots = p->m ? p->m : n;
    p->root = numbers(n_roots + (p->m ? n + 3 * p->m + MOST_PRIME : 0));
    if (!p->root) return false;
    for (int64_t k = 0; k < n_roots; k++) p->root[k] = unit(k, n_roots);
    if (!p->m) return true;
    p->chirp = p->root + n_roots;
    p->kernel = p->chirp + n;
    number *around = p->kernel + p->m;
    for (int64_t k = 0; k < n; k++) p->chirp[k] = unit(k % (2 * n) * k % (2 * n), 2 * n);
    for (int64_t k = 0; k < p->m; k++) around[k] = k < n ? conjugate(p->chirp[k]) : p->m - k < n ? conjugate(p->chirp[p->m - k]) : (number){ 0, 0 };
    mixed(p, 0, p->m, around, 1, p->kernel, around + p->m);
    for (int64_t k = 0; k < p->m; k++) p->kernel[k].re /= (double)p->m, p->kernel[k].im /= (double)p->m;
    return true;
}

/* --- real numbers ----------------------------------------------------------------------------------------------------------- */
/* x (n) -> y (n / 2 + 1); turn: e^(-2 pi i k / n), k <= n / 2, for an even n; z: n numbers and scratch */
static void real_forward(const plan *p, int64_t n, const number *turn, const double *x, number *y, number *z)
{
    int64_t h = n / 2;
    if (n % 2) {
        number *all = z + n;
        for (int64_t j = 0; j < n; j++) z[j] = (number){ x[j], 0 };
        transform(p, z, all, all + n);
        memcpy(y, all, (size_t)(h + 1) * sizeof *y);
        return;
    }
    transform(p, (const number *)(const void *)x, z, z + h); /* even values as real parts, odd ones as imaginary */
    for (int64_t k = 0; k <= h; k++) {
        number a = z[k % h], b = conjugate(z[(h - k) % h]), even = plus(a, b), odd = times(minus(a, b), turn[k]);
        y[k] = (number){ 0.5 * (even.re + odd.im), 0.5 * (even.im - odd.re) };
    }
}

/* y (n / 2 + 1) -> x (n): the transform of the conjugate of the whole spectrum, of which x is the real part */
static void real_backward(const plan *p, int64_t n, const number *y, double *x, number *z)
{
    number *all = z + n;
    for (int64_t k = 0; k < n; k++) z[k] = 2 * k <= n ? conjugate(y[k]) : y[n - k];
    z[0].im = 0;
    if (n % 2 == 0) z[n / 2].im = 0;
    transform(p, z, all, all + n);
    for (int64_t j = 0; j < n; j++) x[j] = all[j].re / (double)n;
}

/* --- rows ------------------------------------------------------------------------------------------------------------------- */
typedef struct {
    bool    inverse;
    plan    p;
    int64_t n, rows, each, room;
    double *x, *y; /* values (rows, n), spectra (rows, n / 2 + 1, 2) */
    number *turn;
    number *space; /* room for each task */
} job;

static void some_rows(void *ctx, int64_t task)
{
    job    *j = ctx;
    number *z = j->space + task * j->room;
    for (int64_t i = task * j->each; i < (task + 1) * j->each && i < j->rows; i++) {
        double *x = j->x + i * j->n;
        number *y = (number *)(void *)j->y + i * (j->n / 2 + 1);
        if (j->inverse) real_backward(&j->p, j->n, y, x, z);
        else real_forward(&j->p, j->n, j->turn, x, y, z);
    }
}

/* Contiguous f64 values of a tensor; those of the output itself where it is f64. */
static double *as_f64(ml_tensor *t)
{
    if (t->dtype == ML_F64 && ml_tensor_is_contiguous(t)) return mli_data(t);
    ml_tensor *copy = ml_empty(t->shape, ML_F64);
    if (copy) mli_strided_copy(t, ML_F64, mli_data(copy));
    return copy ? mli_data(copy) : NULL;
}

static bool run_rows(ml_call *c, int64_t n, bool inverse)
{
    ml_tensor *real = inverse ? c->out : c->in[0], *out = c->dtype == ML_F64 ? c->out : ml_empty(c->shape, ML_F64);
    job        j = { .inverse = inverse, .n = n, .rows = ml_tensor_numel(real) / n };
    double    *in = out ? as_f64(c->in[0]) : NULL;
    if (!in) return false;
    if (j.rows == 0) return true;
    int64_t tasks = j.rows * n / 16384 + 1; /* at most 16: each has room of its own */
    tasks  = tasks > 16 ? 16 : tasks;
    tasks  = tasks > j.rows ? j.rows : tasks;
    j.each = (j.rows + tasks - 1) / tasks;
    if (!plan_begin(&j.p, inverse || n % 2 ? n : n / 2)) return false;
    j.room = 2 * n + scratch_of(&j.p);
    if (!(j.turn = numbers(n / 2 + 1 + tasks * j.room))) return false;
    for (int64_t k = 0; k <= n / 2; k++) j.turn[k] = unit(k, n);
    j.space = j.turn + n / 2 + 1;
    j.x = inverse ? mli_data(out) : in;
    j.y = inverse ? in : mli_data(out);
    ml_parallel(tasks, some_rows, &j);
    if (out != c->out) mli_strided_copy(out, c->dtype, mli_data(c->out));
    return true;
}

/* --- the operations ---------------------------------------------------------------------------------------------------------- */
static bool rfft_infer(ml_call *c)
{
    const ml_shape *s = &c->in[0]->shape;
    if (s->n == 0 || s->size[s->n - 1] == 0) return ml_fail("rfft: needs at least one value along the last dimension, got shape %s", ml_shape_text(s));
    if (s->n == ML_MAX_DIMS) return ml_fail("rfft: %s has no room for real and imaginary parts, at most %d dimensions are possible", ml_shape_text(s), ML_MAX_DIMS);
    c->shape = *s;
    c->shape.size[s->n - 1]     = s->size[s->n - 1] / 2 + 1;
    c->shape.size[c->shape.n++] = 2;
    return true;
}

static bool irfft_infer(ml_call *c)
{
    const ml_shape *s = &c->in[0]->shape;
    int64_t         n = ((const ml_irfft_opts *)c->opts)->n;
    if (s->n < 2 || s->size[s->n - 1] != 2 || s->size[s->n - 2] == 0)
        return ml_fail("irfft: needs (..., n / 2 + 1, 2), real and imaginary parts last, got shape %s", ml_shape_text(s));
    int64_t rows = s->size[s->n - 2];
    if (n == 0) n = 2 * (rows - 1);
    if (n < 1 || n / 2 + 1 != rows)
        return ml_fail("irfft: %lld frequencies, shape %s, make %lld or %lld values, not %lld; set n", (long long)rows, ml_shape_text(s), (long long)(2 * rows - 2),
                       (long long)(2 * rows - 1), (long long)n);
    c->shape = *s;
    c->shape.n--;
    c->shape.size[c->shape.n - 1] = n;
    return true;
}

static bool rfft_forward(ml_call *c) { return run_rows(c, c->in[0]->shape.size[c->in[0]->shape.n - 1], false); }
static bool irfft_forward(ml_call *c) { return run_rows(c, c->shape.size[c->shape.n - 1], true); }

/* `once` for the frequencies that stand for themselves, `twice` for those that stand for a conjugate too: (n / 2 + 1, 1) */
static ml_tensor *weights(int64_t n, double once, double twice, ml_dtype dtype)
{
    ml_tensor *w = ml_full(ML_SHAPE(n / 2 + 1, 1), dtype, twice);
    if (!w) return NULL;
    ml_tensor_set_at(w, (int64_t[]){ 0, 0 }, once);
    if (n % 2 == 0) ml_tensor_set_at(w, (int64_t[]){ n / 2, 0 }, once);
    return w;
}

/* Each is the adjoint of the other, up to weights. */
static bool rfft_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int64_t n = c->in[0]->shape.size[c->in[0]->shape.n - 1];
    dx[0] = ml_irfft(ml_mul(dy, weights(n, (double)n, 0.5 * (double)n, (ml_dtype)dy->dtype)), &(ml_irfft_opts){ n });
    return dx[0] != NULL;
}

static bool irfft_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int64_t n = c->shape.size[c->shape.n - 1];
    dx[0] = ml_mul(ml_rfft(dy), weights(n, 1 / (double)n, 2 / (double)n, (ml_dtype)dy->dtype));
    return dx[0] != NULL;
}

static ml_tensor *fft_vmap(ml_call *c, const bool batched[], int64_t n)
{
    int least = c->id == ML_OP_rfft ? 2 : 3;
    (void)batched, (void)n;
    if (c->in[0]->shape.n < least) return ml_fail("%s: inside vmap each has %d dimensions, which is not enough", ml_op_info_at(c->id)->name, c->in[0]->shape.n - 1);
    return ml_op_apply(c->id, c->in, 1, c->opts);
}

static const ml_irfft_opts five = { 5 };
static const ml_sample rfft_samples[]  = { { .in = { "(2, 6)" } }, { .in = { "(5)" } }, { .in = { "(1)" } }, { 0 } };
static const ml_sample irfft_samples[] = { { .in = { "(2, 3, 2)" } }, { .in = { "(3, 2)" }, .opts = &five }, { 0 } };

#define FOURIER(name) const ml_op ml_op_##name = { .kind = ML_LINEAR, .flags = ML_FLOAT_ONLY, .infer = name##_infer, .forward = name##_forward, \
                                                   .vjp = name##_vjp, .vmap = fft_vmap, .samples = name##_samples };
FOURIER(rfft)
FOURIER(irfft)
