/* Making tensors: from sizes, from Lua tables, from random numbers; and the few functions about the machine. */
#include "lua/lua_moonlab.h"

#include <math.h>

#include "moonlab/transform.h"

/* --- options that all of them share ------------------------------------------------------------------------- */
typedef struct making {
    ml_dtype   dtype;
    bool       dtype_given, requires_grad;
    ml_tensor *seed; /* of the scope; NULL: the default stream */
    bool       seeded;
    int64_t    seed_number;
} making;

/* Numbers that one of the functions takes besides: { "low", "high" } of rand. */
typedef struct extras {
    const char *name[2];
    double      value[2];
} extras;

/* Reads the options in the table at t, or those that stand beside the list of sizes: {3, 4, dtype = "f64"}. */
static making read_options(lua_State *L, const char *where, int sizes, int t, bool random, extras *more)
{
    const char *known[5] = { "dtype", "requires_grad" };
    int         n_known  = 2;
    if (random) known[n_known++] = "seed";
    for (int i = 0; more && i < 2 && more->name[i]; i++) known[n_known++] = more->name[i];
    making m = { .dtype = ML_F32 };
    if (sizes && lml_has_names(L, sizes)) {
        if (!lua_isnoneornil(L, t)) lml_raise(L, "%s: options beside the sizes and in a table of their own", where);
        t = lua_gettop(L) + 1;
        lua_newtable(L); /* the names without the list */
        for (lua_pushnil(L); lua_next(L, sizes); lua_pop(L, 1)) {
            if (lua_type(L, -2) != LUA_TSTRING) continue;
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, t);
        }
    }
    lml_check_options(L, t, where, known, n_known);
    m.dtype_given = lml_option_dtype(L, t, where, "dtype", &m.dtype);
    lml_option_flag(L, t, where, "requires_grad", &m.requires_grad);
    for (int i = 0; more && i < 2 && more->name[i]; i++) lml_option_number(L, t, where, more->name[i], &more->value[i]);
    if (!random || !lua_istable(L, t)) return m;
    lua_getfield(L, t, "seed");
    m.seed = lml_test_tensor(L, -1); /* one for each of a batch; t keeps it */
    lua_pop(L, 1);
    m.seeded = !m.seed && lml_option_integer(L, t, where, "seed", &m.seed_number);
    return m;
}

static making read_making(lua_State *L, const char *where, int sizes, int t, bool random)
{
    return read_options(L, where, sizes, t, random, NULL);
}

static int finish(lua_State *L, lml_work *work, const making *m, ml_tensor *t)
{
    t = ml_own(t);
    return lml_finish(L, work, t && m->requires_grad ? ml_requires_grad(t, true) : t);
}

/* What `draw` makes, of the option seed or else of the next stream of the default one, which ml.seed sets. */
static int random(lua_State *L, const making *m, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx)
{
    lml_work   work = lml_begin(L);
    ml_tensor *t;
    do t = m->seeded ? draw(ctx, ml_key_of((uint64_t)m->seed_number, 0)) : m->seed ? ml_draw_seeded(m->seed, draw, ctx) : ml_draw(draw, ctx);
    while (!t && lml_retry(L, &work)); /* a second try draws the same */
    return finish(L, &work, m, t);
}

/* --- from sizes: f({3, 4}, options) ------------------------------------------------------------------------- */
static int filled(lua_State *L, const char *where, double value, int sizes, int options)
{
    int      next;
    ml_shape shape = lml_check_shape(L, sizes, where, &next);
    making   m     = read_making(L, where, lua_istable(L, sizes) ? sizes : 0, options ? options : next, false);
    lml_work work  = lml_begin(L);
    ml_tensor *t;
    do t = ml_full(shape, m.dtype, value);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

static int make_zeros(lua_State *L) { return filled(L, "zeros", 0, 1, 0); }
static int make_ones(lua_State *L) { return filled(L, "ones", 1, 1, 0); }

static int make_full(lua_State *L) /* full({3, 4}, value, options) */
{
    if (!lua_istable(L, 1))
        return lml_raise(L, "full: the shape must be a list of sizes, as in {3, 4}, got %s", lml_got(L, 1));
    return filled(L, "full", lml_check_number(L, 2, "full", "the value"), 1, 3);
}

/* --- like another: f(x, options), of its shape and, unless told otherwise, its dtype ------------------------------ */
static int filled_like(lua_State *L, const char *where, double value, int options)
{
    ml_tensor *x = lml_check_tensor(L, 1, where), *t;
    making     m = read_making(L, where, 0, options, false);
    if (!m.dtype_given) m.dtype = ml_tensor_dtype(x);
    lml_work work = lml_begin(L);
    do t = ml_full(ml_tensor_shape(x), m.dtype, value);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

static int make_zeros_like(lua_State *L) { return filled_like(L, "zeros_like", 0, 2); }
static int make_ones_like(lua_State *L) { return filled_like(L, "ones_like", 1, 2); }

static int make_full_like(lua_State *L) /* full_like(x, value, options) */
{
    return filled_like(L, "full_like", lml_check_number(L, 2, "full_like", "the value"), 3);
}

/* --- random numbers: f({3, 4}, options), or of the shape of x ------------------------------------------------------ */
typedef struct floats_wanted {
    ml_tensor *(*draw)(ml_shape, ml_dtype, double, double, ml_key);
    extras   of;
    ml_shape shape;
    ml_dtype dtype;
} floats_wanted;

static ml_tensor *draw_floats(void *ctx, ml_key key)
{
    const floats_wanted *f = ctx;
    return f->draw(f->shape, f->dtype, f->of.value[0], f->of.value[1], key);
}

static const floats_wanted uniform = { .draw = ml_uniform, .of = { { "low", "high" }, { 0, 1 } } },
                           normal  = { .draw = ml_normal, .of = { { "mean", "std" }, { 0, 1 } } };

static int random_floats(lua_State *L, const char *where, floats_wanted f)
{
    int next;
    f.shape  = lml_check_shape(L, 1, where, &next);
    making m = read_options(L, where, lua_istable(L, 1) ? 1 : 0, next, true, &f.of);
    f.dtype  = m.dtype;
    return random(L, &m, draw_floats, &f);
}

static int random_like(lua_State *L, const char *where, floats_wanted f)
{
    ml_tensor *x = lml_check_tensor(L, 1, where);
    making     m = read_options(L, where, 0, 2, true, &f.of);
    f.shape      = ml_tensor_shape(x);
    f.dtype      = !m.dtype_given && ml_dtype_is_float(ml_tensor_dtype(x)) ? ml_tensor_dtype(x) : m.dtype;
    return random(L, &m, draw_floats, &f);
}

static int make_rand(lua_State *L) { return random_floats(L, "rand", uniform); }
static int make_randn(lua_State *L) { return random_floats(L, "randn", normal); }
static int make_rand_like(lua_State *L) { return random_like(L, "rand_like", uniform); }
static int make_randn_like(lua_State *L) { return random_like(L, "randn_like", normal); }

typedef struct coins_wanted {
    const ml_tensor *p; /* NULL: the number, for each of the shape */
    double   number;
    ml_shape shape;
    ml_dtype dtype;
} coins_wanted;

static ml_tensor *draw_coins(void *ctx, ml_key key)
{
    const coins_wanted *c = ctx;
    return ml_bernoulli(c->p ? c->p : ml_full(c->shape, ML_F64, c->number), c->dtype, key);
}

/* bernoulli(p, {3, 4}, options), or of the shape of a tensor of probabilities: bernoulli(p, options) */
static int make_bernoulli(lua_State *L)
{
    int          next = 2;
    coins_wanted c    = { .p = lml_test_tensor(L, 1) };
    if (!c.p) {
        c.number = lml_check_number(L, 1, "bernoulli", "the probability");
        c.shape  = lml_check_shape(L, 2, "bernoulli", &next);
    }
    making m = read_making(L, "bernoulli", !c.p && lua_istable(L, 2) ? 2 : 0, next, true);
    c.dtype  = c.p && !m.dtype_given && ml_dtype_is_float(ml_tensor_dtype(c.p)) ? ml_tensor_dtype(c.p) : m.dtype;
    return random(L, &m, draw_coins, &c);
}

static ml_tensor *as_dtype(ml_tensor *t, const making *m)
{
    return m->dtype_given && t && ml_tensor_dtype(t) != m->dtype ? ml_cast(t, &(ml_cast_opts){ m->dtype }) : t;
}

typedef struct integers_wanted {
    int64_t       low, high; /* high excluded; a permutation of low..high - 1 when it is one */
    ml_shape      shape;
    const making *m;
} integers_wanted;

static ml_tensor *draw_integers(void *ctx, ml_key key)
{
    const integers_wanted *n = ctx;
    return as_dtype(ml_randint(n->low, n->high, n->shape, key), n->m);
}

static ml_tensor *draw_permutation(void *ctx, ml_key key)
{
    const integers_wanted *n = ctx;
    return as_dtype(ml_add(ml_randperm(n->high - n->low, key), ml_number((double)n->low)), n->m);
}

static int make_randint(lua_State *L) /* randint(low, high, {3, 4}, options): both ends included, as math.random */
{
    int64_t low = lml_check_integer(L, 1, "randint", "low"), high = lml_check_integer(L, 2, "randint", "high");
    if (low > high || high == INT64_MAX)
        return lml_raise(L, "randint: low must not be larger than high, got %lld, %lld", (long long)low,
                         (long long)high);
    int      next;
    ml_shape shape = lml_check_shape(L, 3, "randint", &next);
    making   m     = read_making(L, "randint", lua_istable(L, 3) ? 3 : 0, next, true);
    return random(L, &m, draw_integers, &(integers_wanted){ low, high + 1, shape, &m });
}

static int make_randperm(lua_State *L) /* randperm(n, options): the numbers 1..n in random order */
{
    int64_t n = lml_check_integer(L, 1, "randperm", "n");
    making  m = read_making(L, "randperm", 0, 2, true);
    if (n < 0) return lml_raise(L, "randperm: n must not be negative, got %lld", (long long)n);
    return random(L, &m, draw_permutation, &(integers_wanted){ 1, n + 1, ML_SCALAR, &m });
}

/* --- progressions ------------------------------------------------------------------------------------------- */
/* arange(n): 1..n. arange(start, stop, step): as the loop `for i = start, stop, step`, both ends included.
 * i64 from whole numbers, else f32. */
static int make_arange(lua_State *L)
{
    int    n_numbers = 0;
    bool   whole     = true;
    double at[3]     = { 1, 0, 1 };
    for (; n_numbers < 3 && lua_type(L, n_numbers + 1) == LUA_TNUMBER; n_numbers++) {
        at[n_numbers] = lua_tonumber(L, n_numbers + 1);
        whole &= lua_isinteger(L, n_numbers + 1);
    }
    if (n_numbers == 0)
        return lml_raise(L, "arange: takes (n), (start, stop) or (start, stop, step), got %s", lml_got(L, 1));
    making m = read_making(L, "arange", 0, n_numbers + 1, false);
    if (n_numbers == 1) {
        at[1] = at[0];
        at[0] = 1;
    }
    if (!m.dtype_given && whole) m.dtype = ML_I64;
    /* the last step may fall short of stop by rounding: 0, 1, 0.1 has eleven values */
    double steps = floor((at[1] - at[0]) / at[2] * (1 + 1e-12) + 1e-12);
    double stop  = at[0] + (steps + 0.5) * at[2];
    lml_work work = lml_begin(L);
    ml_tensor *t;
    do t = ml_arange(at[0], steps < 0 ? at[0] : stop, at[2], m.dtype);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

static int make_linspace(lua_State *L) /* linspace(start, stop, n, options) */
{
    double  start = lml_check_number(L, 1, "linspace", "start"), stop = lml_check_number(L, 2, "linspace", "stop");
    int64_t n     = lml_check_integer(L, 3, "linspace", "n");
    making  m     = read_making(L, "linspace", 0, 4, false);
    lml_work work = lml_begin(L);
    ml_tensor *t;
    do t = ml_linspace(start, stop, n, m.dtype);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

static int make_logspace(lua_State *L) /* logspace(start, stop, n, options): base^start .. base^stop */
{
    double  start = lml_check_number(L, 1, "logspace", "start"), stop = lml_check_number(L, 2, "logspace", "stop");
    int64_t n     = lml_check_integer(L, 3, "logspace", "n");
    extras  base  = { { "base" }, { 10 } };
    making  m     = read_options(L, "logspace", 0, 4, false, &base);
    lml_work work = lml_begin(L);
    ml_tensor *t;
    do t = ml_logspace(start, stop, n, base.value[0], m.dtype);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

static int make_eye(lua_State *L) /* eye(n, options), eye(rows, columns, options) */
{
    bool     square  = lua_type(L, 2) != LUA_TNUMBER;
    int64_t  rows    = lml_check_integer(L, 1, "eye", "the number of rows");
    int64_t  columns = square ? rows : lml_check_integer(L, 2, "eye", "the number of columns");
    making   m       = read_making(L, "eye", 0, square ? 2 : 3, false);
    lml_work work    = lml_begin(L);
    ml_tensor *t;
    do t = ml_eye_of(rows, columns, m.dtype);
    while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

/* --- from Lua values ---------------------------------------------------------------------------------------- */
/* The shape that the first element of each level shows; read_values holds the others to it. */
static ml_shape shape_of_list(lua_State *L, int index)
{
    ml_shape shape = ML_SCALAR;
    int      top   = lua_gettop(L);
    lua_pushvalue(L, index);
    while (lua_istable(L, -1)) {
        if (shape.n == ML_MAX_DIMS) lml_raise(L, "tensor: lists are nested deeper than %d", ML_MAX_DIMS);
        shape.size[shape.n++] = (int64_t)lua_rawlen(L, -1);
        if (lua_rawgeti(L, -1, 1) == LUA_TNIL) break;
    }
    lua_settop(L, top);
    return shape;
}

/* What the values are: bits of integer, float, boolean. */
enum { INTEGERS = 1, FLOATS = 2, BOOLEANS = 4 };

static void wrong_length(lua_State *L, const ml_shape *shape, int dim, int64_t n)
{
    lml_raise(L, "tensor: ragged list: expected shape %s, but a list at level %d has %lld entries, not %lld",
              ml_shape_text(shape), dim + 1, (long long)n, (long long)shape->size[dim]);
}

/* Visits the values of the list on top of the stack: notes their kinds, and stores them where asked to. */
static int64_t read_values(lua_State *L, const ml_shape *shape, int dim, int *kinds, double *floats,
                           int64_t *integers)
{
    if (dim == shape->n) {
        switch (lua_type(L, -1)) {
        case LUA_TNUMBER: *kinds |= lua_isinteger(L, -1) ? INTEGERS : FLOATS; break;
        case LUA_TBOOLEAN: *kinds |= BOOLEANS; break;
        case LUA_TTABLE:
            lml_raise(L, "tensor: ragged list: a list where others have a number, at level %d", dim + 1);
            break;
        default: lml_raise(L, "tensor: the values must be numbers or booleans, got %s", lml_got(L, -1));
        }
        if (floats) *floats = lua_isboolean(L, -1) ? lua_toboolean(L, -1) : lua_tonumber(L, -1);
        if (integers) {
            double number = lua_tonumber(L, -1);
            if (lua_isinteger(L, -1)) *integers = lua_tointeger(L, -1);
            else if (lua_isboolean(L, -1)) *integers = lua_toboolean(L, -1);
            else if (fabs(number) < 0x1p63)
                *integers = (int64_t)number; /* an integer dtype was asked for: towards 0 */
            else lml_raise(L, "tensor: %g does not fit into an integer", number);
        }
        return 1;
    }
    if (!lua_istable(L, -1))
        lml_raise(L, "tensor: ragged list: %s where others have a list, at level %d", luaL_typename(L, -1), dim + 1);
    int64_t used = 0, n = (int64_t)lua_rawlen(L, -1);
    if (n != shape->size[dim]) wrong_length(L, shape, dim, n);
    for (int64_t i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        used += read_values(L, shape, dim + 1, kinds, floats ? floats + used : NULL,
                            integers ? integers + used : NULL);
        lua_pop(L, 1);
    }
    return used;
}

/* tensor(values, options): whole numbers give i64, others f32, booleans bool; a tensor is copied. */
static int make_tensor(lua_State *L)
{
    making     m = read_making(L, "tensor", 0, 2, false);
    ml_tensor *x = lml_test_tensor(L, 1), *t;
    if (x) {
        lml_work work = lml_begin(L);
        do t = as_dtype(ml_clone(x), &m);
        while (!t && lml_retry(L, &work));
        return finish(L, &work, &m, t);
    }
    if (lua_isnone(L, 1)) return lml_raise(L, "tensor: takes a number, a boolean or a list of them, got nothing");
    luaL_checkstack(L, ML_MAX_DIMS + 4, "tensor");
    ml_shape shape = shape_of_list(L, 1);
    int      kinds = 0;
    lua_pushvalue(L, 1);
    int64_t n = read_values(L, &shape, 0, &kinds, NULL, NULL);
    if ((kinds & BOOLEANS) && (kinds & ~BOOLEANS)) return lml_raise(L, "tensor: numbers and booleans in one list");
    if (!m.dtype_given) m.dtype = kinds & FLOATS || n == 0 ? ML_F32 : kinds & BOOLEANS ? ML_BOOL : ML_I64;
    bool  floats = ml_dtype_is_float(m.dtype);
    void *values = lua_newuserdatauv(L, (size_t)n * sizeof(double) + 1, 0); /* Lua frees it, whatever happens */
    lua_pushvalue(L, 1);
    read_values(L, &shape, 0, &kinds, floats ? values : NULL, floats ? NULL : values);
    lml_work work = lml_begin(L);
    do {
        t = ml_from(shape, floats ? ML_F64 : ML_I64, values);
        if (t && ml_tensor_dtype(t) != m.dtype) t = ml_cast(t, &(ml_cast_opts){ m.dtype });
    } while (!t && lml_retry(L, &work));
    return finish(L, &work, &m, t);
}

/* --- the machine -------------------------------------------------------------------------------------------- */
static int set_seed(lua_State *L) /* seed(n), or seed(x) of one number for each of a batch */
{
    ml_tensor *seed   = lml_test_tensor(L, 1);
    int64_t    number = seed ? 0 : lml_check_integer(L, 1, "seed", "the seed");
    lml_work   work   = lml_enter(L);
    lml_leave(L, &work, ml_vmap_seed(seed ? seed : ml_from(ML_SCALAR, ML_I64, &number)));
    return 0;
}

static int threads(lua_State *L) /* threads() -> number; threads(n) sets it */
{
    if (!lua_isnoneornil(L, 1)) {
        int64_t n = lml_check_integer(L, 1, "threads", "the number");
        if (!ml_threads_set(n < 1 || n > INT32_MAX ? 0 : (int)n)) return lml_error(L);
    }
    lua_pushinteger(L, ml_threads());
    return 1;
}

static int clock_seconds(lua_State *L)
{
    lua_pushnumber(L, ml_clock());
    return 1;
}

static int memory(lua_State *L) /* bytes: in use, most so far, kept for reuse, allowed (0 = no limit); and the largest */
{
    ml_memory_info info = ml_memory();
    ml_largest     largest;
    lua_createtable(L, 0, 5);
    lua_pushinteger(L, (lua_Integer)info.live), lua_setfield(L, -2, "live");
    lua_pushinteger(L, (lua_Integer)info.peak), lua_setfield(L, -2, "peak");
    lua_pushinteger(L, (lua_Integer)info.cached), lua_setfield(L, -2, "cached");
    lua_pushinteger(L, (lua_Integer)info.cap), lua_setfield(L, -2, "cap");
    if (ml_memory_largest(&largest)) {
        lua_createtable(L, 0, 4);
        lua_pushinteger(L, (lua_Integer)largest.bytes), lua_setfield(L, -2, "bytes");
        lml_push_shape(L, &largest.shape), lua_setfield(L, -2, "shape");
        lua_pushstring(L, ml_dtype_name(largest.dtype)), lua_setfield(L, -2, "dtype");
        if (*largest.site) lua_pushstring(L, largest.site), lua_setfield(L, -2, "site");
        lua_setfield(L, -2, "largest");
    }
    return 1;
}

static const luaL_Reg functions[] = {
    { "zeros", make_zeros }, { "ones", make_ones }, { "full", make_full }, { "rand", make_rand },
    { "randn", make_randn }, { "randint", make_randint }, { "randperm", make_randperm }, { "arange", make_arange },
    { "linspace", make_linspace }, { "logspace", make_logspace }, { "eye", make_eye }, { "bernoulli", make_bernoulli },
    { "zeros_like", make_zeros_like }, { "ones_like", make_ones_like }, { "full_like", make_full_like },
    { "rand_like", make_rand_like }, { "randn_like", make_randn_like }, { "tensor", make_tensor }, { "seed", set_seed },
    { "threads", threads }, { "clock", clock_seconds }, { "memory", memory }, { NULL, NULL },
};

int lml_open_make(lua_State *L)
{
    luaL_newlib(L, functions);
    lua_pushliteral(L, ML_VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}
