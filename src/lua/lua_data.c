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

static int data_modular(lua_State *L) /* modular{ p =, op =, train_fraction =, seed = } -> { train =, test = } */
{
    static const char *const known[] = { "p", "op", "train_fraction", "seed" };
    ml_modular_opts opts = { .p = 97, .op = '+', .train_fraction = 0.5, .seed = 1, .base = 1 };
    const char     *op   = "+";
    int64_t         seed = 1;
    lml_check_options(L, 1, "modular", known, 4);
    lml_option_integer(L, 1, "modular", "p", &opts.p);
    lml_option_text(L, 1, "modular", "op", &op);
    lml_option_number(L, 1, "modular", "train_fraction", &opts.train_fraction);
    lml_option_integer(L, 1, "modular", "seed", &seed);
    opts.seed = (uint64_t)seed;
    opts.op   = op[0];
    if (op[0] == '\0' || op[1] != '\0')
        return lml_raise(L, "modular: op must be \"+\", \"-\", \"*\" or \"/\", got '%s'", op);
    void **train_slots[2], **test_slots[2];
    lua_createtable(L, 0, 2);
    push_dataset(L, train_slots);
    lua_setfield(L, -2, "train");
    push_dataset(L, test_slots);
    lua_setfield(L, -2, "test");
    lml_work   work = lml_enter(L);
    ml_dataset train, test;
    bool       ok;
    do ok = ml_data_modular(&opts, &train, &test);
    while (!ok && lml_retry(L, &work));
    if (ok) {
        *train_slots[0] = ml_retain(train.x), *train_slots[1] = ml_retain(train.y);
        *test_slots[0]  = ml_retain(test.x), *test_slots[1]  = ml_retain(test.y);
    }
    lml_leave(L, &work, ok);
    return 1;
}

static const luaL_Reg functions[] = { { "modular", data_modular }, { NULL, NULL } };

int lml_open_data(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
