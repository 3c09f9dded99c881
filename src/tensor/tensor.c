/* Tensors and their storage: counting, views, reading and writing single values. */
#include "tensor/tensor_impl.h"

#include <math.h>
#include <string.h>

/* --- storage ------------------------------------------------------------------------------------------------ */
#define HEADER 64
_Static_assert(sizeof(ml_storage) <= HEADER, "the values begin after the header");

static ml_storage *storage_new(size_t bytes)
{
    ml_storage *s = ml_block_take(HEADER + bytes);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->version = 0;
    s->bytes   = bytes;
    s->data    = (char *)s + HEADER;
    return s;
}

static void storage_release(ml_storage *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    if (s->bytes >= MLI_NOTED) mli_forget(s);
    ml_block_give(s, HEADER + s->bytes);
}

/* --- making and counting ------------------------------------------------------------------------------------- */
void mli_contiguous_strides(const ml_shape *shape, int64_t *strides)
{
    int64_t step = 1;
    for (int i = shape->n - 1; i >= 0; i--) {
        strides[i] = step;
        /* only of an empty tensor the sizes can be too much together, and nobody walks by its strides */
        if (__builtin_mul_overflow(step, shape->size[i] > 0 ? shape->size[i] : 1, &step)) step = 1;
    }
}

ml_tensor *mli_tensor_new(ml_shape shape, const int64_t *strides, int64_t offset, ml_dtype dtype, ml_storage *storage)
{
    if (shape.n < 0 || shape.n > ML_MAX_DIMS) return ml_fail("shape: a tensor has at most %d dimensions", ML_MAX_DIMS);
    ml_tensor *t = ml_block_take(sizeof *t);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->dtype         = (uint8_t)dtype;
    t->requires_grad = false;
    t->number        = false;
    t->defers        = false;
    t->frozen        = false;
    t->shape         = shape;
    t->offset        = offset;
    t->storage       = storage;
    t->node          = NULL;
    t->grad          = NULL;
    t->inner         = NULL;
    t->wait          = NULL;
    if (strides) memcpy(t->strides, strides, (size_t)shape.n * sizeof *strides);
    else mli_contiguous_strides(&shape, t->strides);
    if (storage) atomic_fetch_add_explicit(&storage->refs, 1, memory_order_relaxed);
    if (mli_scope_adopt(t)) return t;
    ml_release(t);
    return NULL;
}

ml_tensor *ml_empty(ml_shape shape, ml_dtype dtype)
{
    size_t bytes = ml_dtype_bytes(dtype);
    bool   empty = false;
    for (int i = 0; i < shape.n; i++) { /* a size of 0 excuses no overflow: strides are products of the others */
        if (shape.size[i] < 0) return ml_fail("shape: sizes must not be negative, got %s", ml_shape_text(&shape));
        if (shape.size[i] == 0) empty = true;
        else if (__builtin_mul_overflow(bytes, (size_t)shape.size[i], &bytes) || bytes > PTRDIFF_MAX - HEADER)
            return ml_fail("out of memory: a tensor of shape %s does not fit into any memory", ml_shape_text(&shape));
    }
    ml_storage *storage = storage_new(empty ? 0 : bytes);
    if (!storage) return NULL;
    if (storage->bytes >= MLI_NOTED) mli_note(storage, &shape, dtype);
    ml_tensor *t = mli_tensor_new(shape, NULL, 0, dtype, storage);
    storage_release(storage); /* the tensor holds it now */
    return t;
}

ml_tensor *mli_ghost(const ml_tensor *of)
{
    ml_tensor *g = mli_tensor_new(of->shape, NULL, 0, (ml_dtype)of->dtype, NULL);
    if (!g) return NULL;
    g->node = of->node;
    if (g->node) mli_node_retain(g->node);
    return g;
}

ml_tensor *mli_batched_new(ml_tensor *inner, int64_t level)
{
    if (!inner) return NULL;
    ml_shape one = { inner->shape.n - 1, { 0 } };
    for (int d = 0; d < one.n; d++) one.size[d] = inner->shape.size[d + 1];
    ml_tensor *t = mli_tensor_new(one, NULL, 0, (ml_dtype)inner->dtype, NULL);
    if (!t) return NULL;
    t->inner = ml_retain(inner);
    t->level = level;
    return t;
}

ml_tensor *mli_view(const ml_tensor *t, ml_shape shape, const int64_t *strides, int64_t offset)
{
    return t ? mli_tensor_new(shape, strides, offset, (ml_dtype)t->dtype, t->storage) : NULL;
}

ml_tensor *ml_retain(ml_tensor *t)
{
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void ml_release(ml_tensor *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    ml_node   *node = t->node;
    ml_tensor *grad = t->grad, *inner = t->inner;
    ml_wait   *wait = t->wait;
    storage_release(t->storage);
    ml_block_give(t, sizeof *t);
    if (node) mli_node_release(node);
    if (grad) ml_release(grad);
    if (inner) ml_release(inner);
    if (wait) mli_wait_release(wait);
}

/* --- looking -------------------------------------------------------------------------------------------------- */
int      ml_tensor_ndim(const ml_tensor *t) { return t ? t->shape.n : 0; }
ml_shape ml_tensor_shape(const ml_tensor *t) { return t ? t->shape : ML_SCALAR; }
int64_t  ml_tensor_size(const ml_tensor *t, int dim) { return t && dim >= 0 && dim < t->shape.n ? t->shape.size[dim] : 0; }
int64_t  ml_tensor_numel(const ml_tensor *t) { return t ? ml_shape_numel(&t->shape) : 0; }
ml_dtype ml_tensor_dtype(const ml_tensor *t) { return t ? (ml_dtype)t->dtype : ML_F32; }

bool ml_tensor_is_batched(const ml_tensor *t) { return t && t->inner; }

bool ml_tensor_is_contiguous(const ml_tensor *t)
{
    if (!t) return false;
    int64_t step = 1;
    for (int i = t->shape.n - 1; i >= 0; i--) {
        if (t->shape.size[i] == 1) continue;
        if (t->strides[i] != step) return ml_tensor_numel(t) == 0; /* no values, no order */
        step *= t->shape.size[i];
    }
    return true;
}

void *mli_data(const ml_tensor *t)
{
    return (char *)t->storage->data + (size_t)t->offset * ml_dtype_bytes((ml_dtype)t->dtype);
}

bool mli_has_values(const char *op, const ml_tensor *t)
{
    if (t->storage) return true;
    if (t->wait) return mli_compute(&(ml_tensor *){ (ml_tensor *)(uintptr_t)t }, 1);
    return ml_fail("%s: inside vmap a tensor stands for one of a batch and has no value of its own; to branch on it use ml.where, to read "
                   "it return it from the function", op);
}

const void *ml_tensor_data(const ml_tensor *t)
{
    if (!t || !mli_has_values("data", t)) return NULL;
    if (!ml_tensor_is_contiguous(t)) return ml_fail("data: the tensor %s is not contiguous; take ml_contiguous of it", ml_shape_text(&t->shape));
    return mli_data(t);
}

void *ml_tensor_mutable_data(ml_tensor *t)
{
    void *data = (void *)(uintptr_t)ml_tensor_data(t);
    if (data) t->storage->version++;
    return data;
}

static double value_at(const ml_tensor *t, int64_t offset)
{
    const char *p = (const char *)t->storage->data + (size_t)offset * ml_dtype_bytes((ml_dtype)t->dtype);
    switch ((ml_dtype)t->dtype) {
    case ML_F32: return (double)*(const float *)(const void *)p;
    case ML_F64: return *(const double *)(const void *)p;
    case ML_I64: return (double)*(const int64_t *)(const void *)p;
    default: return (double)*(const uint8_t *)p;
    }
}

double ml_item(const ml_tensor *t)
{
    if (!t || !mli_has_values("item", t)) return NAN;
    if (ml_tensor_numel(t) != 1) {
        ml_fail("item: needs a tensor with one value, got shape %s", ml_shape_text(&t->shape));
        return NAN;
    }
    return value_at(t, t->offset);
}

static bool offset_of(const ml_tensor *t, const int64_t *at, int64_t *offset)
{
    *offset = t->offset;
    for (int i = 0; i < t->shape.n; i++) {
        if (at[i] < 0 || at[i] >= t->shape.size[i])
            return ml_fail("at: position %lld of dimension %d is outside 0..%lld", (long long)at[i], i, (long long)t->shape.size[i] - 1);
        *offset += at[i] * t->strides[i];
    }
    return true;
}

double ml_tensor_at(const ml_tensor *t, const int64_t *at)
{
    int64_t offset;
    return t && mli_has_values("at", t) && offset_of(t, at, &offset) ? value_at(t, offset) : NAN;
}

bool ml_tensor_set_at(ml_tensor *t, const int64_t *at, double v)
{
    int64_t offset;
    if (!t || !mli_has_values("set", t) || !offset_of(t, at, &offset)) return false;
    if (t->node) return ml_fail("set: this tensor is the result of a recorded operation; set values of ml.detach(x) or before recording");
    char *p = (char *)t->storage->data + (size_t)offset * ml_dtype_bytes((ml_dtype)t->dtype);
    switch ((ml_dtype)t->dtype) {
    case ML_F32: *(float *)(void *)p = (float)v; break;
    case ML_F64: *(double *)(void *)p = v; break;
    case ML_I64: *(int64_t *)(void *)p = mli_to_i64(v); break;
    case ML_U8: *(uint8_t *)p = mli_to_u8(v); break;
    default: *(uint8_t *)p = v != 0; break;
    }
    t->storage->version++;
    return true;
}

/* --- leaves --------------------------------------------------------------------------------------------------- */
ml_tensor *ml_requires_grad(ml_tensor *t, bool on)
{
    if (!t) return NULL;
    if (on && !ml_dtype_is_float((ml_dtype)t->dtype))
        return ml_fail("requires_grad: only f32 and f64 have gradients, this tensor is %s", ml_dtype_name((ml_dtype)t->dtype));
    if (mli_innermost(t)->node) return ml_fail("requires_grad: this tensor is the result of a recorded operation; detach it first");
    if (t->inner) { /* the batch may be somebody else's tensor: mark one of our own */
        ml_tensor *own = ml_retain(ml_requires_grad(ml_detach(t->inner), on));
        if (!own) return NULL;
        ml_release(t->inner);
        t->inner = own;
        return t;
    }
    if (t->wait && !mli_compute(&t, 1)) return NULL;
    t->requires_grad = on;
    if (on) t->frozen = false;
    if (on) t->defers = false;
    return t;
}

bool ml_tensor_requires_grad(const ml_tensor *t) { return t && mli_records(t); }
bool ml_tensor_is_leaf(const ml_tensor *t) { return t && !mli_innermost(t)->node; }

ml_tensor *ml_tensor_grad(const ml_tensor *t)
{
    if (t && t->inner) return mli_batched_new(ml_tensor_grad(t->inner), t->level);
    return t ? t->grad : NULL;
}

void ml_tensor_zero_grad(ml_tensor *t)
{
    while (t && t->inner) t = t->inner;
    if (!t || !t->grad) return;
    ml_release(t->grad);
    t->grad = NULL;
}

ml_tensor *ml_detach(ml_tensor *t)
{
    if (t && t->inner) return mli_batched_new(ml_detach(t->inner), t->level);
    return t && mli_has_values("detach", t) ? mli_view(t, t->shape, t->strides, t->offset) : NULL;
}
