/* Data sets. Ids and labels count from 1. */
#include "moonlab/data.h"

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
typedef enum { NUMBER, INTEGER, FLAG, TEXT, DTYPE, SEED, INTEGERS_2, NUMBERS_2 } option_kind;
typedef struct option {
    const char *name;
    option_kind kind;
    void       *to; /* left alone where the option is not given */
} option;

/* Two values of one option: { 36, 60 }, or one that stands for both. */
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
        else ((double *)o->to)[i] = lml_check_number(L, value, where, o->name);
    }
    lua_settop(L, at - 1);
}

static void read_options(lua_State *L, const char *where, const option *options, int n)
{
    const char *known[32];
    int64_t     seed;
    for (int i = 0; i < n; i++) known[i] = options[i].name;
    lml_check_options(L, 1, where, known, n);
    for (const option *o = options; lua_istable(L, 1) && o < options + n; o++) switch (o->kind) {
    case NUMBER: lml_option_number(L, 1, where, o->name, o->to); break;
    case INTEGER: lml_option_integer(L, 1, where, o->name, o->to); break;
    case FLAG: lml_option_flag(L, 1, where, o->name, o->to); break;
    case TEXT: lml_option_text(L, 1, where, o->name, o->to); break;
    case DTYPE: lml_option_dtype(L, 1, where, o->name, o->to); break;
    case SEED:
        if (lml_option_integer(L, 1, where, o->name, &seed)) *(uint64_t *)o->to = (uint64_t)seed;
        break;
    default: read_two(L, 1, where, o);
    }
}
#define READ_OPTIONS(L, where, rows) read_options(L, where, rows, (int)(sizeof rows / sizeof *rows))

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
GENERATOR(mnist1d)

static int data_modular(lua_State *L) /* modular{ p =, op =, train_fraction =, seed = } -> { train =, test = } */
{
    ml_modular_opts opts = { .p = 97, .op = '+', .train_fraction = 0.5, .seed = 1, .base = 1 };
    const char     *op   = "+";
    const option    rows[] = {
        { "p", INTEGER, &opts.p }, { "op", TEXT, &op }, { "train_fraction", NUMBER, &opts.train_fraction }, { "seed", SEED, &opts.seed },
    };
    READ_OPTIONS(L, "modular", rows);
    opts.op = op[0];
    if (op[0] == '\0' || op[1] != '\0')
        return lml_raise(L, "modular: op must be \"+\", \"-\", \"*\" or \"/\", got '%s'", op);
    return generate(L, make_modular, &opts);
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
    return generate(L, make_mnist1d, &o);
}

static const luaL_Reg functions[] = { { "modular", data_modular }, { "mnist1d", data_mnist1d }, { NULL, NULL } };

int lml_open_data(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
