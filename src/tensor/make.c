/* Making tensors from numbers, and copying between layouts and dtypes. */
#include "tensor/tensor_impl.h"

#include <math.h>
#include <string.h>

/* --- strided, converting copy --------------------------------------------------------------------------------- */
#define COPY_RUN(S, D, EXPR)                                        \
    for (int64_t i = 0; i < n; i++) {                               \
        S v = ((const S *)src)[i * step];                           \
        ((D *)dst)[i] = (D)(EXPR);                                  \
    }
#define COPY_TO(S, TO_I64, TO_U8)                                   \
    switch (to) {                                                   \
    case ML_F32: COPY_RUN(S, float, v) break;                       \
    case ML_F64: COPY_RUN(S, double, v) break;                      \
    case ML_I64: COPY_RUN(S, int64_t, TO_I64(v)) break;             \
    case ML_U8: COPY_RUN(S, uint8_t, TO_U8(v)) break;               \
    default: COPY_RUN(S, uint8_t, v != 0) break;                    \
    }
#define WRAP(v) v /* integers keep their low bits */

void mli_repeat(int64_t n, size_t bytes, void *y)
{
    char  *to    = y;
    size_t total = (size_t)n * bytes;
    for (size_t done = bytes, more; done < total; done += more) { /* twice as much each time, as long as the source stays in the cache */
        more = done < 4096 ? done : 4096;
        if (more > total - done) more = total - done;
        memcpy(to + done, to, more);
    }
}

void mli_convert(int64_t n, ml_dtype from, const void *src, int64_t step, ml_dtype to, void *dst)
{
    if (from == to && step == 1) {
        memcpy(dst, src, (size_t)n * ml_dtype_bytes(to));
        return;
    }
    if (step == 0 && n > 1) { /* one value, many times */
        mli_convert(1, from, src, 0, to, dst);
        mli_repeat(n, ml_dtype_bytes(to), dst);
        return;
    }
    switch (from) {
    case ML_F32: COPY_TO(float, mli_to_i64, mli_to_u8) break;
    case ML_F64: COPY_TO(double, mli_to_i64, mli_to_u8) break;
    case ML_I64: COPY_TO(int64_t, WRAP, WRAP) break;
    default: COPY_TO(uint8_t, WRAP, WRAP) break;
    }
}

void mli_strided_copy(const ml_tensor *src, ml_dtype dtype, void *dst)
{
    int64_t total = ml_tensor_numel(src);
    if (total == 0) return;
    size_t from_bytes = ml_dtype_bytes((ml_dtype)src->dtype), to_bytes = ml_dtype_bytes(dtype);
    char  *base = mli_data(src);
    if (ml_tensor_is_contiguous(src)) {
        mli_convert(total, (ml_dtype)src->dtype, base, 1, dtype, dst);
        return;
    }
    int     last   = src->shape.n - 1; /* not contiguous, so there is a dimension */
    int64_t run    = src->shape.size[last], at[ML_MAX_DIMS] = { 0 }, offset = 0;
    for (int64_t done = 0; done < total; done += run) {
        mli_convert(run, (ml_dtype)src->dtype, base + offset * (int64_t)from_bytes, src->strides[last], dtype,
                 (char *)dst + (size_t)done * to_bytes);
        for (int d = last - 1; d >= 0; d--) {
            offset += src->strides[d];
            if (++at[d] < src->shape.size[d]) break;
            offset -= at[d] * src->strides[d];
            at[d] = 0;
        }
    }
}

bool ml_tensor_copy_out(const ml_tensor *t, ml_dtype dtype, void *values)
{
    if (!t || !mli_has_values("item", t)) return false;
    mli_strided_copy(t, dtype, values);
    return true;
}

ml_tensor *ml_clone(const ml_tensor *t)
{
    if (!t) return NULL;
    if (t->inner) return mli_batched_new(ml_clone(t->inner), t->level);
    if (!mli_has_values("clone", t)) return NULL;
    ml_tensor *copy = ml_empty(t->shape, (ml_dtype)t->dtype);
    if (copy) mli_strided_copy(t, (ml_dtype)t->dtype, mli_data(copy));
    return copy;
}

ml_tensor *mli_contiguous(ml_tensor *t)
{
    return !t || ml_tensor_is_contiguous(t) ? t : ml_clone(t);
}

#define SCATTER_RUN(T)                                                                                 \
    for (int64_t i = 0; i < run; i++) ((T *)(void *)to)[i * step] = ((const T *)(const void *)from)[i];

void mli_scatter(const ml_shape *shape, const int64_t *strides, size_t width, const void *values, void *place)
{
    int64_t total = ml_shape_numel(shape), run = 1, step = 1, at[ML_MAX_DIMS] = { 0 };
    int     outer = shape->n; /* dimensions outside a run: the last ones are merged while they lie in one step */
    if (total == 0) return;
    while (outer > 0 && (shape->size[outer - 1] == 1 || run == 1 || strides[outer - 1] == run * step)) {
        outer--;
        if (shape->size[outer] == 1) continue;
        if (run == 1) step = strides[outer];
        run *= shape->size[outer];
    }
    const char *from = values;
    char       *to   = place;
    for (int64_t done = 0; done < total; done += run) {
        if (step == 1) memcpy(to, from, (size_t)run * width);
        else if (width == 4) SCATTER_RUN(uint32_t)
        else if (width == 8) SCATTER_RUN(uint64_t)
        else SCATTER_RUN(uint8_t)
        from += run * (int64_t)width;
        for (int d = outer - 1; d >= 0; d--) {
            to += strides[d] * (int64_t)width;
            if (++at[d] < shape->size[d]) break;
            to -= at[d] * strides[d] * (int64_t)width;
            at[d] = 0;
        }
    }
}

bool mli_write(ml_tensor *dst, const ml_tensor *src)
{
    if (!dst) return false;
    ml_dtype dtype = (ml_dtype)dst->dtype;
    if (ml_tensor_is_contiguous(dst)) {
        mli_strided_copy(src, dtype, mli_data(dst));
        return true;
    }
    ml_scope   scope = ml_scope_begin();
    ml_tensor *from  = (ml_tensor *)(uintptr_t)src;
    if (from->dtype != dtype || !ml_tensor_is_contiguous(from)) {
        if ((from = ml_empty(src->shape, dtype))) mli_strided_copy(src, dtype, mli_data(from));
    }
    if (from) mli_scatter(&dst->shape, dst->strides, ml_dtype_bytes(dtype), mli_data(from), mli_data(dst));
    ml_scope_end(&scope);
    return from != NULL;
}

bool mli_each_once(const char *op, const ml_tensor *dst)
{
    for (int d = 0; d < dst->shape.n; d++)
        if (dst->strides[d] == 0 && dst->shape.size[d] > 1)
            return ml_fail("%s: the target %s shows some of its values more than once; write into a clone of it", op, ml_shape_text(&dst->shape));
    return true;
}

/* Into every one of a batch: its own values, or the same ones. */
static bool copy_into_batch(ml_tensor *dst, const ml_tensor *src)
{
    ml_tensor *to = dst->inner, *from = src->inner && src->level == dst->level ? src->inner : NULL;
    if (from) return ml_copy_into(to, from);
    if (to->inner) return ml_fail("copy: into a part of a tensor inside several vmaps; clone it first");
    ml_scope scope = ml_scope_begin();
    bool     ok    = mli_has_values("copy", to) && (!from || mli_has_values("copy", from));
    for (int64_t i = 0; ok && i < to->shape.size[0]; i++) {
        ml_tensor *row = mli_view(to, dst->shape, to->strides + 1, to->offset + i * to->strides[0]);
        ok             = row && ml_copy_into(row, src);
    }
    ml_scope_end(&scope);
    return ok;
}

bool ml_copy_into(ml_tensor *dst, const ml_tensor *src)
{
    if (!dst || !src) return false;
    if (dst->inner && ml_shape_equal(&dst->shape, &src->shape)) return copy_into_batch(dst, src);
    if (!dst->inner && src->inner)
        return ml_fail("copy: a tensor from outside the vmap cannot take a value for each of the batch; make one inside");
    if (!dst->inner && !(mli_has_values("copy", dst) && mli_has_values("copy", src))) return false;
    if (!ml_shape_equal(&dst->shape, &src->shape))
        return ml_fail("copy: shapes differ: %s into %s", ml_shape_text(&src->shape), ml_shape_text(&dst->shape));
    if (dst->node) return ml_fail("copy: the target is the result of a recorded operation; copy into ml.detach(x)");
    if (!mli_each_once("copy", dst)) return false;
    ml_scope   scope = ml_scope_begin();
    ml_tensor *from  = (ml_tensor *)(uintptr_t)src;
    if (src->storage == dst->storage) from = ml_clone(src); /* they may overlap */
    bool ok = from && mli_write(dst, from);
    if (ok) dst->storage->version++;
    ml_scope_end(&scope);
    return ok;
}

/* --- filling ---------------------------------------------------------------------------------------------------- */
ml_tensor *ml_full(ml_shape shape, ml_dtype dtype, double value)
{
    ml_tensor *t = ml_empty(shape, dtype);
    if (t) mli_convert(ml_tensor_numel(t), ML_F64, &value, 0, dtype, mli_data(t));
    return t;
}

ml_tensor *ml_zeros(ml_shape shape, ml_dtype dtype) { return ml_full(shape, dtype, 0); }
ml_tensor *ml_ones(ml_shape shape, ml_dtype dtype) { return ml_full(shape, dtype, 1); }
ml_tensor *ml_scalar(double value, ml_dtype dtype) { return ml_full(ML_SCALAR, dtype, value); }

ml_tensor *ml_number(double value)
{
    ml_tensor *t = ml_scalar(value, ML_F64);
    if (t) t->number = true;
    return t;
}

ml_tensor *ml_from(ml_shape shape, ml_dtype dtype, const void *values)
{
    ml_tensor *t = ml_empty(shape, dtype);
    if (t) memcpy(mli_data(t), values, (size_t)ml_tensor_numel(t) * ml_dtype_bytes(dtype));
    return t;
}

/* Values first + i * step, in f64, then converted: rounding does not add up. last, when given, is met exactly. */
static ml_tensor *progression(int64_t n, double first, double step, const double *last, ml_dtype dtype)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *t     = ml_empty(ML_SHAPE(n), ML_F64);
    ml_tensor *out   = t ? ml_empty(t->shape, dtype) : NULL;
    if (out) {
        double *v = mli_data(t);
        for (int64_t i = 0; i < n; i++) v[i] = first + (double)i * step;
        if (last && n > 1) v[n - 1] = *last;
        mli_strided_copy(t, dtype, mli_data(out));
    }
    return ml_scope_return(&scope, out);
}

ml_tensor *ml_arange(double start, double stop, double step, ml_dtype dtype)
{
    double n = ceil((stop - start) / step);
    if (step == 0 || !isfinite(n)) return ml_fail("arange: step must not be 0 and the ends must be finite, got %g, %g, %g", start, stop, step);
    if (n > 0x1p53) return ml_fail("arange: %g values do not fit into any memory", n);
    return progression(n > 0 ? (int64_t)n : 0, start, step, NULL, dtype);
}

ml_tensor *ml_linspace(double start, double stop, int64_t n, ml_dtype dtype)
{
    if (n < 1) return ml_fail("linspace: n must be at least 1, got %lld", (long long)n);
    return progression(n, start, n > 1 ? (stop - start) / (double)(n - 1) : 0, &stop, dtype);
}

ml_tensor *ml_logspace(double start, double stop, int64_t n, double base, ml_dtype dtype)
{
    if (n < 1) return ml_fail("logspace: n must be at least 1, got %lld", (long long)n);
    if (!(base > 0)) return ml_fail("logspace: the base must be positive, got %g", base);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *t = ml_linspace(start, stop, n, ML_F64), *out = t ? ml_empty(t->shape, dtype) : NULL;
    if (out) {
        double *v = mli_data(t);
        for (int64_t i = 0; i < n; i++) v[i] = pow(base, v[i]);
        mli_strided_copy(t, dtype, mli_data(out));
    }
    return ml_scope_return(&scope, out);
}

ml_tensor *ml_eye_of(int64_t rows, int64_t columns, ml_dtype dtype)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(rows, columns), dtype);
    if (!t) return NULL;
    ml_scope   scope    = ml_scope_begin();
    int64_t    along    = columns + 1;
    ml_tensor *diagonal = mli_view(t, ML_SHAPE(rows < columns ? rows : columns), &along, 0), *ones = diagonal ? ml_ones(diagonal->shape, dtype) : NULL;
    bool       ok       = ones && mli_write(diagonal, ones);
    ml_scope_end(&scope);
    return ok ? t : NULL;
}

ml_tensor *ml_eye(int64_t n, ml_dtype dtype) { return ml_eye_of(n, n, dtype); }
