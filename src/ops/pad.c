/* pad: more (or fewer) values at the ends of dimensions. A constant is joined on, the other modes read x at positions that
 * run back and forth (reflect), stay (replicate) or go round (circular), one dimension after the other. */
#include "ops/op.h"

/* What goes before and after dimension d: the list of pairs begins with the last dimension, as PyTorch's. */
static void ends_of(const ml_call *c, int d, int64_t *before, int64_t *after)
{
    const ml_ints *pad = &((const ml_pad_opts *)c->opts)->pad;
    int            k   = 2 * (c->in[0]->shape.n - 1 - d);
    *before = k < pad->n ? pad->at[k] : 0;
    *after  = k < pad->n ? pad->at[k + 1] : 0;
}

static bool fits(const ml_shape *s, int d, int64_t before, int64_t after, int mode)
{
    int64_t n = s->size[d], most = mode == ML_PAD_REFLECT ? n - 1 : mode == ML_PAD_CIRCULAR ? n : n > 0 ? INT64_MAX : 0;
    if (mode == ML_PAD_CONSTANT || (before >= 0 && after >= 0 && before <= most && after <= most) || (before == 0 && after == 0)) return true;
    if (before < 0 || after < 0) return ml_fail("pad: only the mode \"constant\" takes negative numbers, got %lld and %lld", (long long)before, (long long)after);
    return ml_fail("pad: dimension %d of %s gives at most %lld values at an end in this mode, got %lld and %lld", d + 1, ml_shape_text(s),
                   (long long)(most < 0 ? 0 : most), (long long)before, (long long)after);
}

static bool pad_infer(ml_call *c)
{
    const ml_pad_opts *o = c->opts;
    const ml_shape    *s = &c->in[0]->shape;
    int64_t            n = 1;
    if (!mli_choice("pad", "mode", o->mode, ML_PAD_COUNT)) return false;
    if (o->pad.n % 2 != 0 || o->pad.n / 2 > s->n)
        return ml_fail("pad: needs a pair of numbers, before and after, for each of at most %d dimensions, got %d numbers", s->n, o->pad.n);
    c->shape = *s;
    for (int d = 0; d < s->n; d++) {
        int64_t before, after, *size = &c->shape.size[d];
        ends_of(c, d, &before, &after);
        if (!fits(s, d, before, after, o->mode)) return false;
        if (__builtin_add_overflow(before, after, size) || __builtin_add_overflow(*size, s->size[d], size) || *size < 0 ||
            (before < 0 && before < -s->size[d]) || (after < 0 && after < -s->size[d]) || (*size > 0 && __builtin_mul_overflow(n, *size, &n)))
            return ml_fail("pad: dimension %d of %s cannot have %lld and %lld added", d + 1, ml_shape_text(s), (long long)before, (long long)after);
    }
    return true;
}

/* --- constant ------------------------------------------------------------------------------------------------------------- */
static ml_tensor *pad_constant(ml_tensor *x, int d, int64_t before, int64_t after, double value)
{
    int64_t n = x->shape.size[d], cut_before = before < 0 ? -before : 0, cut_after = after < 0 ? -after : 0;
    if (cut_before || cut_after) x = ml_slice(x, &(ml_slice_opts){ d, cut_before, n - cut_after, 1 });
    ml_tensor *part[3];
    int        k = 0;
    if (!x) return NULL;
    ml_shape end = x->shape;
    if (before > 0) {
        end.size[d] = before;
        part[k++]   = ml_full(end, (ml_dtype)x->dtype, value);
    }
    part[k++] = x;
    if (after > 0) {
        end.size[d] = after;
        part[k++]   = ml_full(end, (ml_dtype)x->dtype, value);
    }
    return k > 1 ? ml_cat(part, k, &(ml_cat_opts){ d }) : x;
}

/* --- the other modes --------------------------------------------------------------------------------------------------------- */
static int64_t source(int64_t i, int64_t n, int mode) /* where the value of place i, -n..2n-1, comes from */
{
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case ML_PAD_REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
    case ML_PAD_CIRCULAR: return i < 0 ? i + n : i - n;
    default: return i < 0 ? 0 : n - 1;
    }
}

static ml_tensor *sources(int64_t n, int64_t before, int64_t after, int mode)
{
    ml_tensor *ids = ml_empty(ML_SHAPE(before + n + after), ML_I64);
    int64_t   *at  = ids ? mli_data(ids) : NULL;
    for (int64_t i = 0; ids && i < before + n + after; i++) at[i] = source(i - before, n, mode);
    return ids;
}

static ml_tensor *pad_compose(ml_call *c)
{
    const ml_pad_opts *o = c->opts;
    ml_tensor         *x = c->in[0];
    for (int d = 0; x && d < c->in[0]->shape.n; d++) {
        int64_t before, after;
        ends_of(c, d, &before, &after);
        if (before == 0 && after == 0) continue;
        if (o->mode == ML_PAD_CONSTANT) x = pad_constant(x, d, before, after, o->value);
        else x = ml_index_select(x, sources(x->shape.size[d], before, after, o->mode), &(ml_index_select_opts){ .dim = d });
    }
    return x;
}

static bool pad_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_pad_opts back = *(const ml_pad_opts *)c->opts;
    for (int d = 0; dy && d < c->shape.n; d++) {
        int64_t before, after, n = c->in[0]->shape.size[d];
        ends_of(c, d, &before, &after);
        if (back.mode == ML_PAD_CONSTANT || (before == 0 && after == 0)) continue;
        dy = ml_scatter_rows(dy, sources(n, before, after, back.mode), &(ml_scatter_rows_opts){ .rows = n, .dim = d });
    }
    if (back.mode == ML_PAD_CONSTANT) {
        back.value = 0;
        for (int i = 0; i < back.pad.n; i++) back.pad.at[i] = -back.pad.at[i];
        dy = ml_pad(dy, &back);
    }
    dx[0] = dy;
    return dy != NULL;
}

/* The list counts from the last dimension, so the batch in front changes nothing; but there may be no more pairs than before. */
static ml_tensor *pad_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    int one = c->in[0]->shape.n - 1, got = ((const ml_pad_opts *)c->opts)->pad.n;
    if (got / 2 > one) return ml_fail("pad: needs a pair of numbers for each of at most %d dimensions, got %d numbers", one, got);
    return ml_pad(c->in[0], c->opts);
}

/* --- samples, operation ---------------------------------------------------------------------------------------------------------- */
static const ml_pad_opts around  = { .pad = { 4, { 1, 2, 1, 0 } }, .value = 1 }, cut_and_add = { .pad = { 2, { -1, 2 } } },
                         mirror  = { .pad = { 4, { 2, 1, 0, 1 } }, .mode = ML_PAD_REFLECT }, edges = { .pad = { 2, { 2, 3 } }, .mode = ML_PAD_REPLICATE },
                         round_it = { .pad = { 4, { 3, 1, 2, 2 } }, .mode = ML_PAD_CIRCULAR };
static const ml_sample pad_samples[] = {
    { .in = { "(2, 3)" }, .opts = &around }, { .in = { "(2, 3)" }, .opts = &cut_and_add }, { .in = { "(2, 3)" }, .opts = &mirror },
    { .in = { "(2, 2)" }, .opts = &edges },  { .in = { "(2, 3)" }, .opts = &round_it },    { 0 },
};
const ml_op ml_op_pad = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .infer = pad_infer, .compose = pad_compose, .vjp = pad_vjp, .vmap = pad_vmap, .samples = pad_samples };
