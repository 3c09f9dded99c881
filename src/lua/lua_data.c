/* Data sets. Ids and labels count from 1. */
#include "moonlab/data.h"

#include <stdio.h>

#include "lua/lua_moonlab.h"

/* Leaves { x =, y = } with two empty userdata, and where to fill them. */
static void push_dataset(lua_State *L, void **slots[2])
{
    static const char *const names[2] = { "x", "y" };
    lua_createtable(L, 0, 2);
    for (int i = 0; i < 2; i++) {
        slots[i] = lml_new(L, &lml_tensor_type);
        lua_setfield(L, -2, names[i]);
    }
}

/* --- options as rows: the name, what it is, where it goes ------------------------------------------------------------- */
typedef enum {
    NUMBER, INTEGER, FLAG, TEXT, DTYPE, SEED,
    INTEGERS_2, /* { low, high }; one number is both */
    RANGE,      /* the same of any numbers */
    AROUND,     /* the same, but one number is -number..number */
    TABLE,      /* read by somebody else */
} option_kind;
typedef struct option {
    const char *name;
    option_kind kind;
    void       *to; /* left alone where the option is not given */
} option;

static void read_two(lua_State *L, int t, const char *where, const option *o)
{
    lua_getfield(L, t, o->name);
    int  at   = lua_gettop(L);
    bool list = lua_istable(L, at);
    if (list && lua_rawlen(L, at) != 2) lml_raise(L, "%s: %s must be two numbers, got %d", where, o->name, (int)lua_rawlen(L, at));
    for (int i = 0; i < 2 && !lua_isnil(L, at); i++) {
        if (list) lua_rawgeti(L, at, i + 1);
        int value = list ? lua_gettop(L) : at;
        if (o->kind == INTEGERS_2) ((int64_t *)o->to)[i] = lml_check_integer(L, value, where, o->name);
        else ((double *)o->to)[i] = lml_check_number(L, value, where, o->name) * (o->kind == AROUND && !list && i == 0 ? -1 : 1);
    }
    lua_settop(L, at - 1);
}

static void read_options(lua_State *L, int t, const char *where, const option *options, int n)
{
    const char *known[32];
    int64_t     seed;
    for (int i = 0; i < n; i++) known[i] = options[i].name;
    lml_check_options(L, t, where, known, n);
    for (const option *o = options; lua_istable(L, t) && o < options + n; o++) switch (o->kind) {
    case NUMBER: lml_option_number(L, t, where, o->name, o->to); break;
    case INTEGER: lml_option_integer(L, t, where, o->name, o->to); break;
    case FLAG: lml_option_flag(L, t, where, o->name, o->to); break;
    case TEXT: lml_option_text(L, t, where, o->name, o->to); break;
    case DTYPE: lml_option_dtype(L, t, where, o->name, o->to); break;
    case TABLE: break;
    case SEED:
        if (lml_option_integer(L, t, where, o->name, &seed)) *(uint64_t *)o->to = (uint64_t)seed;
        break;
    default: read_two(L, t, where, o);
    }
}
#define COUNT(rows) (int)(sizeof(rows) / sizeof *(rows))
#define READ_OPTIONS(L, where, rows) read_options(L, 1, where, rows, COUNT(rows))

/* --- what all generators do: make two sets from options and give them out ------------------------------------------------ */
typedef bool generator(const void *opts, ml_dataset *train, ml_dataset *test);

static int generate(lua_State *L, generator *make, const void *opts)
{
    static const char *const parts[2] = { "train", "test" };
    void      **slots[2][2];
    ml_dataset  sets[2];
    bool        ok;
    lua_createtable(L, 0, 2);
    for (int i = 0; i < 2; i++) {
        push_dataset(L, slots[i]);
        lua_setfield(L, -2, parts[i]);
    }
    lml_work work = lml_enter(L);
    do ok = make(opts, &sets[0], &sets[1]);
    while (!ok && lml_retry(L, &work));
    for (int i = 0; ok && i < 2; i++) *slots[i][0] = ml_retain(sets[i].x), *slots[i][1] = ml_retain(sets[i].y);
    lml_leave(L, &work, ok);
    return 1;
}

#define GENERATOR(name) \
    static bool make_##name(const void *opts, ml_dataset *train, ml_dataset *test) { return ml_data_##name(opts, train, test); }
GENERATOR(modular)
GENERATOR(permutations)
GENERATOR(mnist1d)

static int data_modular(lua_State *L) /* modular{ p =, op =, train_fraction =, seed = } -> { train =, test = } */
{
    ml_modular_opts o      = { .p = 97, .op = "+", .train_fraction = 0.5, .seed = 1, .base = 1 };
    const option    rows[] = {
        { "p", INTEGER, &o.p }, { "op", TEXT, &o.op }, { "train_fraction", NUMBER, &o.train_fraction }, { "seed", SEED, &o.seed },
    };
    READ_OPTIONS(L, "modular", rows);
    return generate(L, make_modular, &o);
}

/* One more tensor in the table on top. */
static int add_tensor(lua_State *L, const char *name, ml_tensor *(*make)(const void *opts), const void *opts)
{
    lml_work   work = lml_begin(L);
    ml_tensor *made;
    do made = make(opts);
    while (!made && lml_retry(L, &work));
    lml_finish(L, &work, made);
    lua_setfield(L, -2, name);
    return 1;
}

static ml_tensor *elements_of(const void *opts) { return ml_permutation_elements(((const ml_permutations_opts *)opts)->n, 1); }
static ml_tensor *positions_of(const void *opts) { return ml_mnist1d_positions(opts); }

static int data_permutations(lua_State *L) /* the same, and elements = (n!, n) */
{
    ml_permutations_opts o      = { .n = 5, .op = "xy", .train_fraction = 0.5, .seed = 1, .base = 1 };
    const option         rows[] = {
        { "n", INTEGER, &o.n }, { "op", TEXT, &o.op }, { "train_fraction", NUMBER, &o.train_fraction }, { "seed", SEED, &o.seed },
    };
    READ_OPTIONS(L, "permutations", rows);
    generate(L, make_permutations, &o);
    return add_tensor(L, "elements", elements_of, &o);
}

static int data_mnist1d(lua_State *L)
{
    ml_mnist1d_opts o      = ml_mnist1d_defaults();
    const option    rows[] = {
        { "n", INTEGER, &o.n }, { "train_fraction", NUMBER, &o.train_fraction }, { "length", INTEGER, &o.length },
        { "padding", INTEGERS_2, o.padding }, { "max_translation", INTEGER, &o.max_translation }, { "scale", NUMBER, &o.scale },
        { "correlated_noise", NUMBER, &o.correlated_noise }, { "iid_noise", NUMBER, &o.iid_noise }, { "shear", NUMBER, &o.shear },
        { "shuffled", FLAG, &o.shuffled }, { "seed", SEED, &o.seed }, { "dtype", DTYPE, &o.dtype },
    };
    READ_OPTIONS(L, "mnist1d", rows);
    o.base = 1;
    generate(L, make_mnist1d, &o);
    return add_tensor(L, "positions", positions_of, &o);
}

/* --- images --------------------------------------------------------------------------------------------------------------- */
#define LOOK(l) \
    { "rotation", AROUND, (l)->rotation }, { "shear", AROUND, (l)->shear }, { "scale", RANGE, (l)->scale }, { "shift", AROUND, (l)->shift }, \
    { "thickness", RANGE, (l)->thickness }, { "wobble", NUMBER, &(l)->wobble }, { "noise", NUMBER, &(l)->noise }

static bool make_digits(const void *opts, ml_dataset *train, ml_dataset *test) { return ml_data_drawn(ML_DRAW_DIGITS, opts, train, test); }
static bool make_shapes(const void *opts, ml_dataset *train, ml_dataset *test) { return ml_data_drawn(ML_DRAW_SHAPES, opts, train, test); }

/* digits{ n_train =, ..., test = { rotation = 90 } }: the test set looks like the training set but for what test says. */
static int data_drawn(lua_State *L, const char *where, ml_drawing what)
{
    ml_drawn_opts o      = ml_drawn_defaults();
    const option  rows[] = {
        { "n_train", INTEGER, &o.n_train }, { "n_test", INTEGER, &o.n_test }, { "size", INTEGER, &o.size }, { "filled", FLAG, &o.filled },
        { "colour", FLAG, &o.colour }, { "seed", SEED, &o.seed }, { "test", TABLE, NULL }, LOOK(&o.train),
    };
    const option of_test[] = { LOOK(&o.test) };
    READ_OPTIONS(L, where, rows);
    o.test = o.train;
    o.base = 1;
    if (lua_istable(L, 1)) {
        lua_getfield(L, 1, "test");
        char inner[32];
        snprintf(inner, sizeof inner, "%s.test", where);
        read_options(L, lua_gettop(L), inner, of_test, COUNT(of_test));
        lua_pop(L, 1);
    }
    generate(L, what == ML_DRAW_DIGITS ? make_digits : make_shapes, &o);
    lua_createtable(L, ml_drawn_classes(what), 0);
    for (int i = 0; i < ml_drawn_classes(what); i++) {
        lua_pushstring(L, ml_drawn_name(what, i));
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "classes");
    return 1;
}

static int data_digits(lua_State *L) { return data_drawn(L, "digits", ML_DRAW_DIGITS); }
static int data_shapes(lua_State *L) { return data_drawn(L, "shapes", ML_DRAW_SHAPES); }

static const luaL_Reg functions[] = { { "modular", data_modular }, { "permutations", data_permutations }, { "mnist1d", data_mnist1d }, { "digits", data_digits }, { "shapes", data_shapes }, { NULL, NULL } };

int lml_open_data(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
