/* The same values in another order, or several times: flip, roll, tile, repeat_interleave. */
#include "ops/op.h"

/* The dimensions of one as those of the batch; all of them by name, since none given would mean the batch too. */
static bool dims_behind(const ml_call *c, const ml_dims *given, ml_dims *out)
{
    int one = c->in[0]->shape.n - 1;
    *out = (ml_dims){ .n = given->n ? given->n : one };
    for (int i = 0, d; i < out->n; i++) {
        if (!mli_dim_behind(c, given->n ? given->at[i] : i, one, &d)) return false;
        out->at[i] = d;
    }
    return true;
}

/* --- flip ----------------------------------------------------------------------------------------------------------------- */
static bool flip_infer(ml_call *c)
{
    bool flipped[ML_MAX_DIMS];
    c->shape = c->in[0]->shape;
    return mli_dims_mask("flip", &((const ml_flip_opts *)c->opts)->dims, c->shape.n, flipped);
}

static bool flip_forward(ml_call *c)
{
    const ml_tensor *x = c->in[0];
    bool    flipped[ML_MAX_DIMS];
    int64_t strides[ML_MAX_DIMS], offset = x->offset;
    if (ml_tensor_numel(x) == 0) return true;
    mli_dims_mask("flip", &((const ml_flip_opts *)c->opts)->dims, x->shape.n, flipped);
    for (int d = 0; d < x->shape.n; d++) {
        strides[d] = flipped[d] ? -x->strides[d] : x->strides[d];
        if (flipped[d]) offset += (x->shape.size[d] - 1) * x->strides[d];
    }
    ml_tensor *backwards = mli_view(x, x->shape, strides, offset); /* never leaves this function: others expect steps >= 0 */
    if (backwards) mli_strided_copy(backwards, c->dtype, mli_data(c->out));
    return backwards != NULL;
}

static bool flip_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_flip(dy, c->opts);
    return dx[0] != NULL;
}

static ml_tensor *flip_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_flip_opts o;
    if (!dims_behind(c, &((const ml_flip_opts *)c->opts)->dims, &o.dims)) return NULL;
    return o.dims.n == 0 ? c->in[0] : ml_flip(c->in[0], &o);
}

/* --- roll ----------------------------------------------------------------------------------------------------------------- */
static bool roll_infer(ml_call *c)
{
    const ml_roll_opts *o = c->opts;
    c->shape = c->in[0]->shape;
    if (o->shifts.n == 0) return ml_fail("roll: needs the shifts");
    if (o->dims.n == 0 ? o->shifts.n > 1 : o->shifts.n != o->dims.n)
        return ml_fail("roll: %d shifts for %d dims; give one for each", o->shifts.n, o->dims.n);
    for (int i = 0, d; i < o->dims.n; i++)
        if (!mli_own_dim("roll", o->dims.at[i], c->shape.n, &d)) return false;
    return true;
}

static ml_tensor *roll_along(ml_tensor *x, int64_t shift, int dim)
{
    int64_t n = x->shape.size[dim];
    if (n == 0 || shift % n == 0) return x;
    int64_t    cut    = n - (shift % n + n) % n; /* what lies before it goes to the end */
    ml_tensor *last[] = { ml_slice(x, &(ml_slice_opts){ dim, cut, n, 1 }), ml_slice(x, &(ml_slice_opts){ dim, 0, cut, 1 }) };
    return ml_cat(last, 2, &(ml_cat_opts){ dim });
}

static ml_tensor *roll_compose(ml_call *c)
{
    const ml_roll_opts *o = c->opts;
    ml_tensor          *x = c->in[0];
    if (o->dims.n == 0) {
        ml_tensor *flat = ml_flatten(x, NULL);
        return flat ? ml_reshape(roll_along(flat, o->shifts.at[0], 0), &(ml_reshape_opts){ x->shape }) : NULL;
    }
    for (int i = 0, d; x && i < o->dims.n; i++) {
        if (!mli_own_dim("roll", o->dims.at[i], x->shape.n, &d)) return NULL;
        x = roll_along(x, o->shifts.at[i], d);
    }
    return x;
}

static bool roll_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_roll_opts back = *(const ml_roll_opts *)c->opts;
    int64_t      all  = ml_shape_numel(&c->in[0]->shape);
    for (int i = 0, d; i < back.shifts.n; i++) { /* within the size, as the lowest number has no opposite */
        if (back.dims.n && !mli_own_dim("roll", back.dims.at[i], c->shape.n, &d)) return false;
        int64_t n = back.dims.n ? c->shape.size[d] : all;
        back.shifts.at[i] = n ? -(back.shifts.at[i] % n) : 0;
    }
    dx[0] = ml_roll(dy, &back);
    return dx[0] != NULL;
}

/* --- tile ------------------------------------------------------------------------------------------------------------------ */
/* Both as lists of one length, ones in front where one of them is shorter. */
static void tile_sizes(ml_call *c, ml_shape *size, ml_shape *repeats)
{
    const ml_shape *x = &c->in[0]->shape, *r = &((const ml_tile_opts *)c->opts)->repeats;
    size->n = repeats->n = x->n > r->n ? x->n : r->n;
    for (int d = 0; d < size->n; d++) {
        int of_x = d - (size->n - x->n), of_r = d - (size->n - r->n);
        size->size[d]    = of_x < 0 ? 1 : x->size[of_x];
        repeats->size[d] = of_r < 0 ? 1 : r->size[of_r];
    }
}

static bool tile_infer(ml_call *c)
{
    ml_shape size, repeats;
    int64_t  n = 1;
    tile_sizes(c, &size, &repeats);
    c->shape.n = size.n;
    for (int d = 0; d < size.n; d++) {
        if (repeats.size[d] < 0) return ml_fail("tile: repeats must not be negative, got %s", ml_shape_text(&repeats));
        if (__builtin_mul_overflow(size.size[d], repeats.size[d], &c->shape.size[d]) ||
            (c->shape.size[d] > 0 && __builtin_mul_overflow(n, c->shape.size[d], &n)))
            return ml_fail("tile: %s repeated %s times has more values than can be counted", ml_shape_text(&size), ml_shape_text(&repeats));
    }
    return true;
}

/* A dimension of r between the first n sizes and the rest, and its adjoint: the building stone of both. */
static ml_shape in_three(const ml_shape *s, int n, int64_t r)
{
    ml_shape out = { 3, { 1, r, 1 } };
    for (int d = 0; d < s->n; d++) out.size[d < n ? 0 : 2] *= s->size[d];
    return out;
}

static ml_tensor *repeat_behind(ml_tensor *x, const ml_shape *s, int n, int64_t r, const ml_shape *out)
{
    ml_shape once = in_three(s, n, 1), wide = in_three(s, n, r);
    return ml_reshape(ml_expand(ml_reshape(x, &(ml_reshape_opts){ once }), &(ml_expand_opts){ wide }), &(ml_reshape_opts){ *out });
}

static ml_tensor *sum_behind(ml_tensor *dy, const ml_shape *s, int n, int64_t r)
{
    return ml_reshape(ml_sum_dim(ml_reshape(dy, &(ml_reshape_opts){ in_three(s, n, r) }), 1, false), &(ml_reshape_opts){ *s });
}

/* From the last dimension on, since the first steps are the small ones then: the last copy is most of the work. */
static ml_tensor *tile_compose(ml_call *c)
{
    ml_shape   size, repeats;
    ml_tensor *x = c->in[0];
    tile_sizes(c, &size, &repeats);
    if (x->shape.n < size.n) x = ml_reshape(x, &(ml_reshape_opts){ size });
    for (int d = size.n - 1; x && d >= 0; d--) {
        if (repeats.size[d] == 1) continue;
        ml_shape before = size;
        size.size[d] *= repeats.size[d];
        x = repeat_behind(x, &before, d, repeats.size[d], &size);
    }
    return x;
}

static bool tile_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_shape size, repeats, now = c->shape;
    tile_sizes(c, &size, &repeats);
    for (int d = 0; dy && d < size.n; d++) {
        if (repeats.size[d] == 1) continue;
        now.size[d] = size.size[d];
        dy = sum_behind(dy, &now, d, repeats.size[d]);
    }
    dx[0] = ml_reshape(dy, &(ml_reshape_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

static ml_tensor *tile_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_shape *repeats = &((const ml_tile_opts *)c->opts)->repeats;
    int             one     = c->in[0]->shape.n - 1, all = repeats->n > one ? repeats->n : one;
    ml_shape        wide    = { all, { 0 } };
    for (int d = 0; d < all; d++) wide.size[d] = d < all - repeats->n ? 1 : repeats->size[d - (all - repeats->n)];
    if (!mli_room_for_batch(c, &wide)) return NULL;
    return ml_tile(mli_pad_dims(c->in[0], 1, all), &(ml_tile_opts){ mli_behind(1, &wide) });
}

/* --- repeat_interleave ------------------------------------------------------------------------------------------------------ */
static bool repeat_interleave_infer(ml_call *c)
{
    const ml_repeat_interleave_opts *o = c->opts;
    int dim;
    if (!mli_own_dim("repeat_interleave", o->dim, c->in[0]->shape.n, &dim)) return false;
    if (o->repeats < 0) return ml_fail("repeat_interleave: repeats must not be negative, got %lld", (long long)o->repeats);
    c->shape   = c->in[0]->shape;
    int64_t n  = 1;
    bool    ok = !__builtin_mul_overflow(c->shape.size[dim], o->repeats, &c->shape.size[dim]);
    for (int d = 0; ok && d < c->shape.n; d++) ok = c->shape.size[d] == 0 || !__builtin_mul_overflow(n, c->shape.size[d], &n);
    return ok || ml_fail("repeat_interleave: %s repeated %lld times has more values than can be counted", ml_shape_text(&c->in[0]->shape), (long long)o->repeats);
}

static ml_tensor *repeat_interleave_compose(ml_call *c)
{
    const ml_repeat_interleave_opts *o = c->opts;
    int dim;
    if (!mli_own_dim("repeat_interleave", o->dim, c->in[0]->shape.n, &dim)) return NULL;
    return repeat_behind(c->in[0], &c->in[0]->shape, dim + 1, o->repeats, &c->shape);
}

static bool repeat_interleave_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_repeat_interleave_opts *o = c->opts;
    int dim;
    if (!mli_own_dim("repeat_interleave", o->dim, c->shape.n, &dim)) return false;
    dx[0] = sum_behind(dy, &c->in[0]->shape, dim + 1, o->repeats);
    return dx[0] != NULL;
}

static ml_tensor *repeat_interleave_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_repeat_interleave_opts o = *(const ml_repeat_interleave_opts *)c->opts;
    if (!mli_dim_behind(c, o.dim, c->in[0]->shape.n - 1, &o.dim)) return NULL;
    return ml_repeat_interleave(c->in[0], &o);
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------- */
static const ml_flip_opts              last_two  = { { 2, { 1, -1 } } };
static const ml_roll_opts              by_2      = { .shifts = { 1, { 2 } } }, back_and_on = { { 2, { -1, 4 } }, { 2, { 0, -1 } } };
static const ml_tile_opts              both      = { { 2, { 2, 3 } } }, taller = { { 3, { 2, 1, 2 } } };
static const ml_repeat_interleave_opts twice     = { 2, 0 }, thrice_last = { 3, -1 };

static const ml_sample flip_samples[] = { { .in = { "(2, 3)" } }, { .in = { "(2, 3, 2)" }, .opts = &last_two }, { .in = { "()" } }, { 0 } };
static const ml_sample roll_samples[] = { { .in = { "(2, 3)" }, .opts = &by_2 }, { .in = { "(3, 5)" }, .opts = &back_and_on }, { 0 } };
static const ml_sample tile_samples[] = { { .in = { "(2, 3)" }, .opts = &both }, { .in = { "(3, 2)" }, .opts = &taller }, { .in = { "()" }, .opts = &both }, { 0 } };
static const ml_sample repeat_interleave_samples[] = { { .in = { "(3, 2)" }, .opts = &twice }, { .in = { "(2, 2, 2)" }, .opts = &thrice_last }, { 0 } };

const ml_op ml_op_flip = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = flip_infer, .forward = flip_forward, .vjp = flip_vjp, .vmap = flip_vmap, .samples = flip_samples };
const ml_op ml_op_roll = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = roll_infer, .compose = roll_compose, .vjp = roll_vjp, .samples = roll_samples };
const ml_op ml_op_tile = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = tile_infer, .compose = tile_compose, .vjp = tile_vjp, .vmap = tile_vmap, .samples = tile_samples };
const ml_op ml_op_repeat_interleave = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = repeat_interleave_infer, .compose = repeat_interleave_compose,
                                        .vjp = repeat_interleave_vjp, .vmap = repeat_interleave_vmap, .samples = repeat_interleave_samples };
