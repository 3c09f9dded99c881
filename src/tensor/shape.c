/* Shapes and dtypes: facts about sizes, no values. */
#include "moonlab/tensor.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t      bytes;
} dtypes[ML_DTYPE_COUNT] = {
    [ML_F32] = { "f32", 4 }, [ML_F64] = { "f64", 8 }, [ML_I64] = { "i64", 8 }, [ML_U8] = { "u8", 1 }, [ML_BOOL] = { "bool", 1 },
};

ml_shape ml_shape_of(int n, const int64_t *size)
{
    ml_shape s = { n < 0 || n > ML_MAX_DIMS ? -1 : n, { 0 } }; /* -1: mli_tensor_new refuses it with a message */
    for (int i = 0; i < s.n; i++) s.size[i] = size[i];
    return s;
}

int64_t ml_shape_numel(const ml_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->n; i++) n *= s->size[i];
    return n;
}

bool ml_shape_equal(const ml_shape *a, const ml_shape *b)
{
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++)
        if (a->size[i] != b->size[i]) return false;
    return true;
}

const char *ml_shape_text(const ml_shape *s)
{
    static _Thread_local char buffers[8][24 * ML_MAX_DIMS];
    static _Thread_local int  next;
    char  *text = buffers[next++ & 7];
    size_t used = (size_t)snprintf(text, sizeof buffers[0], "(");
    for (int i = 0; i < s->n; i++)
        used += (size_t)snprintf(text + used, sizeof buffers[0] - used, "%s%lld", i ? ", " : "", (long long)s->size[i]);
    snprintf(text + used, sizeof buffers[0] - used, ")");
    return text;
}

bool ml_shape_broadcast(const ml_shape *a, const ml_shape *b, ml_shape *out)
{
    int      n      = a->n > b->n ? a->n : b->n;
    ml_shape result = { n, { 0 } }; /* out may be a or b */
    for (int i = 0; i < n; i++) { /* i counts from the last dimension */
        int64_t x = i < a->n ? a->size[a->n - 1 - i] : 1;
        int64_t y = i < b->n ? b->size[b->n - 1 - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        result.size[n - 1 - i] = x == 1 ? y : x;
    }
    *out = result;
    return true;
}

const char *ml_dtype_name(ml_dtype d)
{
    return d >= 0 && d < ML_DTYPE_COUNT ? dtypes[d].name : "?";
}

bool ml_dtype_parse(const char *name, ml_dtype *d)
{
    for (int i = 0; i < ML_DTYPE_COUNT; i++) {
        if (strcmp(name, dtypes[i].name) != 0) continue;
        *d = (ml_dtype)i;
        return true;
    }
    return ml_fail("no dtype is called '%s'; they are f32, f64, i64, u8, bool", name);
}

size_t ml_dtype_bytes(ml_dtype d)
{
    return dtypes[d].bytes;
}

ml_dtype ml_dtype_promote(ml_dtype a, ml_dtype b)
{
    static const int      rank[ML_DTYPE_COUNT] = { [ML_BOOL] = 0, [ML_U8] = 1, [ML_I64] = 2, [ML_F32] = 3, [ML_F64] = 4 };
    return rank[a] > rank[b] ? a : b;
}
