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
    ml_tensor    *seeds;  /* i64 (size), contiguous: each has a default stream of its own; one reference */
    uint64_t      stream; /* the next one of all of them */
} level;

static _Thread_local struct {
    int   n;
    level at[ML_MAX_LEVELS];
} levels;
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
    return (ml_transform_state){ ml_recording(), levels.n };
}

void ml_transform_restore(ml_transform_state was)
{
    ml_set_recording(was.recording);
    end_to(was.n_levels);
}

/* --- random numbers ------------------------------------------------------------------------------------------------------- */
void ml_vmap_randomness(int64_t id, ml_randomness randomness)
{
    level *l = find(id);
    if (l) l->randomness = randomness;
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

bool ml_vmap_seed(ml_tensor *seed)
{
    if (!seed) return false;
    if (seed->shape.n || ml_dtype_is_float((ml_dtype)seed->dtype))
        return ml_fail("seed: needs one whole number, got %s of shape %s", ml_dtype_name((ml_dtype)seed->dtype), ml_shape_text(&seed->shape));
    ml_scope scope = ml_scope_begin();
    level   *l     = seed->inner ? find(seed->level) : levels.n ? &levels.at[levels.n - 1] : NULL;
    bool     ok    = true;
    if (seed->inner) {
        ml_tensor *all = l ? ml_clone(ml_cast(seed->inner, &(ml_cast_opts){ ML_I64 })) : NULL;
        if (!l) ok = mli_level_size(seed->level) >= 0;
        else if (all && all->inner) ok = ml_fail("seed: one number for each of a single vmap is possible, not of several inside each other");
        else ok = give_seeds(l, all);
    } else if (l && l->seeds) ok = give_seeds(l, ml_full(ML_SHAPE(l->size), ML_I64, ml_item(seed)));
    else ml_seed((uint64_t)(int64_t)ml_item(seed));
    ml_scope_end(&scope);
    return ok;
}

static ml_tensor *draw_at(int n, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx);

/* One draw for each of the batch, in its order. */
static ml_tensor *draw_each(int n, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    level   *l     = &levels.at[n - 1];
    int64_t  rows  = l->size > 0 ? l->size : 1;
    size_t   bytes = (size_t)rows * sizeof(ml_tensor *);
    uint64_t mine  = l->seeds ? l->stream++ : 0;
    const int64_t *seeds = l->seeds ? ml_tensor_data(l->seeds) : NULL;
    ml_tensor    **row   = ml_block_take(bytes);
    bool           ok    = row != NULL;
    for (int64_t i = 0; ok && i < rows; i++) {
        ml_key     key = seeds ? ml_key_of((uint64_t)(l->size ? seeds[i] : 0), mine) : (ml_key){ 0 };
        ml_tensor *y   = seeds ? draw(ctx, key) : draw_at(n - 1, draw, ctx);
        ml_shape   s   = { 1, { 1 } };
        for (int d = 0; y && d < y->shape.n && s.n < ML_MAX_DIMS; d++) s.size[s.n++] = y->shape.size[d];
        ok = (row[i] = ml_reshape(y, &(ml_reshape_opts){ s })) != NULL;
    }
    ml_tensor *all = ok ? ml_cat(row, (int)rows, NULL) : NULL;
    if (row) ml_block_give(row, bytes);
    return l->size ? all : ml_slice(all, &(ml_slice_opts){ 0, 0, 0, 1 });
}

static ml_tensor *draw_at(int n, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    if (n == 0) return draw(ctx, ml_key_next());
    const level *l = &levels.at[n - 1];
    if (l->randomness == ML_RANDOM_SAME) return draw_at(n - 1, draw, ctx);
    if (l->randomness == ML_RANDOM_DIFFERENT) return mli_batched_new(draw_each(n, draw, ctx), l->id);
    return ml_fail("vmap: random numbers are drawn inside; say what they are to be: randomness = \"different\", each of the batch "
                   "draws its own, or \"same\", one draw for all");
}

ml_tensor *ml_draw(ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    ml_key   before = ml_key_next();
    uint64_t streams[ML_MAX_LEVELS];
    ml_key_reset(before);
    for (int k = 0; k < levels.n; k++) streams[k] = levels.at[k].stream;
    ml_scope   scope = ml_scope_begin();
    bool       was   = ml_set_recording(false);
    ml_tensor *y     = draw_at(levels.n, draw, ctx);
    ml_set_recording(was);
    if (!y) { /* as if it had not been asked for */
        ml_key_reset(before);
        for (int k = 0; k < levels.n; k++) levels.at[k].stream = streams[k];
    }
    return ml_scope_return(&scope, y);
}
