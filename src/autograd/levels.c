/* Which vmaps are under way on this thread, and what random numbers mean inside them.
 *
 * A level is known by a number that no other ever has, and later ones have larger numbers: so the inner of two is the larger,
 * and a tensor that escaped from a vmap that has ended is told from one of a vmap that took its place. */
#include "autograd/node.h"
#include "moonlab/transform.h"

#include <string.h>

typedef struct level {
    int64_t       id, size;
    ml_randomness randomness;
    bool          own;    /* what is made inside is one for each, for it may be a parameter */
    ml_tensor    *seeds;  /* i64 (size), contiguous: each has a default stream of its own; one reference */
    uint64_t      stream; /* the next one of all of them */
} level;

struct mli_levels {
    int   n;
    level at[ML_MAX_LEVELS];
};

static _Thread_local mli_levels levels;
static _Atomic int64_t last_id;

/* --- begin and end ------------------------------------------------------------------------------------------------------- */
int64_t ml_vmap_begin(int64_t size)
{
    if (size < 0) return ml_fail("vmap: the batch has a size of %lld", (long long)size), 0;
    if (levels.n == ML_MAX_LEVELS) return ml_fail("vmap: more than %d inside each other", ML_MAX_LEVELS), 0;
    levels.at[levels.n] = (level){ .id = ++last_id, .size = size };
    return levels.at[levels.n++].id;
}

static void end_to(int n)
{
    while (levels.n > n) ml_release(levels.at[--levels.n].seeds);
}

static level *find(int64_t id)
{
    for (int k = levels.n; k-- > 0;)
        if (levels.at[k].id == id) return &levels.at[k];
    return NULL;
}

void ml_vmap_end(int64_t id)
{
    level *l = find(id);
    if (l) end_to((int)(l - levels.at));
}

int64_t mli_level_size(int64_t id)
{
    const level *l = find(id);
    if (l) return l->size;
    ml_fail("vmap: a tensor from inside a vmap that has ended was used; return it from the function instead");
    return -1;
}

int64_t mli_level_above(int64_t id)
{
    for (int k = 0; k < levels.n; k++)
        if (levels.at[k].id > id) return levels.at[k].id;
    return 0;
}

ml_transform_state ml_transform_save(void)
{
    return (ml_transform_state){ ml_recording(), levels.n, mli_recorder() };
}

void ml_transform_restore(ml_transform_state was)
{
    ml_set_recording(was.recording);
    end_to(was.n_levels);
    mli_stop_recorder(was.recorder);
}

mli_levels *mli_levels_copy(const mli_levels *of)
{
    mli_levels *copy = ml_realloc(NULL, 0, sizeof *copy);
    if (!copy) return NULL;
    *copy = of ? *of : levels;
    for (int k = 0; k < copy->n; k++) ml_retain(copy->at[k].seeds);
    return copy;
}

void mli_levels_swap(mli_levels *other)
{
    mli_levels was = levels;
    levels         = *other;
    *other         = was;
}

void mli_levels_free(mli_levels *l)
{
    if (!l) return;
    for (int k = 0; k < l->n; k++) ml_release(l->at[k].seeds);
    ml_realloc(l, sizeof *l, 0);
}

/* --- random numbers ------------------------------------------------------------------------------------------------------- */
void ml_vmap_randomness(int64_t id, ml_randomness randomness)
{
    level *l = find(id);
    if (l) l->randomness = randomness;
}

void ml_vmap_own_tensors(int64_t id)
{
    level *l = find(id);
    if (l) l->own = true;
}

static ml_tensor *own_at(const level *l, ml_tensor *x)
{
    return mli_give_batch(ml_clone(mli_take_batch(x, l->id, l->size)), l->id);
}

ml_tensor *ml_own(ml_tensor *x)
{
    for (int k = 0; x && k < levels.n; k++)
        if (levels.at[k].own && x->level < levels.at[k].id) x = own_at(&levels.at[k], x);
    return x;
}

static bool give_seeds(level *l, ml_tensor *seeds)
{
    if (!seeds) return false;
    ml_release(l->seeds);
    l->seeds      = ml_retain(seeds);
    l->stream     = 1; /* as ml_seed begins */
    l->randomness = ML_RANDOM_DIFFERENT;
    return true;
}

/* The seeds of a batch, i64 and contiguous, of the level where they differ. */
static ml_tensor *batch_of_seeds(ml_tensor *seed, level **l)
{
    if (seed->inner->inner) return ml_fail("seed: it can differ inside one vmap, not inside several");
    if (!(*l = find(seed->level))) return mli_level_size(seed->level), NULL;
    return ml_clone(ml_cast(seed->inner, &(ml_cast_opts){ ML_I64 }));
}

static bool is_seed(const ml_tensor *seed)
{
    if (!seed) return false;
    return (seed->shape.n == 0 && !ml_dtype_is_float((ml_dtype)seed->dtype)) ||
           ml_fail("seed: needs one whole number, got %s of shape %s", ml_dtype_name((ml_dtype)seed->dtype), ml_shape_text(&seed->shape));
}

static uint64_t seed_value(const ml_tensor *seed) /* all 64 bits of it */
{
    int64_t value = 0;
    ml_tensor_copy_out(seed, ML_I64, &value);
    return (uint64_t)value;
}

bool ml_vmap_seed(ml_tensor *seed)
{
    if (!is_seed(seed)) return false;
    ml_scope scope = ml_scope_begin();
    level   *l     = levels.n ? &levels.at[levels.n - 1] : NULL;
    bool     ok    = true;
    if (seed->inner) {
        ml_tensor *all = batch_of_seeds(seed, &l);
        ok             = all && give_seeds(l, all);
    } else if (l && l->seeds) ok = give_seeds(l, ml_clone(ml_expand(ml_cast(seed, &(ml_cast_opts){ ML_I64 }), &(ml_expand_opts){ ML_SHAPE(l->size) })));
    else ml_seed(seed_value(seed));
    ml_scope_end(&scope);
    return ok;
}

/* --- drawing -------------------------------------------------------------------------------------------------------------- */
typedef struct drawing {
    ml_tensor *(*draw)(void *ctx, ml_key key);
    void *ctx;
} drawing;

static ml_tensor *draw_at(int n, const drawing *d);

/* A draw for each of the batch, in its order: with the key of its seed; without seeds, with what the levels around it give. */
static ml_tensor *draw_each(int n, const drawing *d, const ml_tensor *seeds, uint64_t stream)
{
    level         *l     = &levels.at[n - 1];
    int64_t        rows  = l->size > 0 ? l->size : 1; /* of an empty batch: one, for its shape */
    size_t         bytes = (size_t)rows * sizeof(ml_tensor *);
    const int64_t *seed  = seeds ? ml_tensor_data(seeds) : NULL;
    ml_tensor    **row   = ml_block_take(bytes);
    bool           ok    = row != NULL;
    for (int64_t i = 0; ok && i < rows; i++) {
        ml_tensor *y = seed ? d->draw(d->ctx, ml_key_of(l->size ? (uint64_t)seed[i] : 0, stream)) : draw_at(n - 1, d);
        ml_shape   s = { 1, { 1 } };
        for (int dim = 0; y && dim < y->shape.n && s.n < ML_MAX_DIMS; dim++) s.size[s.n++] = y->shape.size[dim];
        ok = (row[i] = ml_reshape(y, &(ml_reshape_opts){ s })) != NULL;
    }
    ml_tensor *all = ok ? ml_cat(row, (int)rows, NULL) : NULL;
    if (row) ml_block_give(row, bytes);
    if (!l->size) all = ml_slice(all, &(ml_slice_opts){ 0, 0, 0, 1 });
    return mli_batched_new(all, l->id);
}

/* Inside the n outermost levels. */
static ml_tensor *draw_at(int n, const drawing *d)
{
    if (n == 0) return d->draw(d->ctx, ml_key_next());
    level *l = &levels.at[n - 1];
    if (l->randomness == ML_RANDOM_SAME) {
        ml_tensor *one = draw_at(n - 1, d);
        return l->own ? own_at(l, one) : one;
    }
    if (l->randomness == ML_RANDOM_DIFFERENT) return draw_each(n, d, l->seeds, l->seeds ? l->stream++ : 0);
    return ml_fail("vmap: random numbers are drawn inside; say what they are to be: randomness = \"different\", each of the batch "
                   "draws its own, or \"same\", one draw for all");
}

ml_tensor *ml_draw_seeded(ml_tensor *seed, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    if (!is_seed(seed)) return NULL;
    ml_scope   scope = ml_scope_begin();
    bool       was   = ml_set_recording(false);
    level     *l;
    ml_tensor *y = NULL, *all = seed->inner ? batch_of_seeds(seed, &l) : NULL;
    if (!seed->inner) y = draw(ctx, ml_key_of(seed_value(seed), 0));
    else if (all) y = draw_each((int)(l - levels.at) + 1, &(drawing){ draw, ctx }, all, 0);
    ml_set_recording(was);
    return ml_scope_return(&scope, y);
}

ml_tensor *ml_vmap_numbers(int64_t id, const double *values)
{
    int64_t n = mli_level_size(id);
    if (n < 0) return NULL;
    ml_tensor *x = mli_batched_new(ml_from(ML_SHAPE(n), ML_F64, values), id);
    if (x) x->number = true;
    return x;
}

ml_tensor *ml_draw(ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    ml_key   before = ml_key_next();
    uint64_t streams[ML_MAX_LEVELS];
    ml_key_reset(before);
    for (int k = 0; k < levels.n; k++) streams[k] = levels.at[k].stream;
    ml_scope   scope = ml_scope_begin();
    bool       was   = ml_set_recording(false);
    ml_tensor *y     = draw_at(levels.n, &(drawing){ draw, ctx });
    ml_set_recording(was);
    if (!y) { /* as if it had not been asked for */
        ml_key_reset(before);
        for (int k = 0; k < levels.n; k++) levels.at[k].stream = streams[k];
    }
    return ml_scope_return(&scope, y);
}
