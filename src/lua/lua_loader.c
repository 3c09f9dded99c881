/* Batches for lua/moonlab/loader.lua, which checks the options and gives the loader its face. */
#include "moonlab/data.h"

#include "lua/lua_moonlab.h"

static void release_loader(void *loader) { ml_loader_release(loader); }

static const lml_type loader_type = { "moonlab.loader", release_loader };

static ml_loader *check_loader(lua_State *L) { return lml_check(L, 1, &loader_type, "loader", "the loader"); }

/* The list { { name, amount }, ... } at index t. */
static void read_augment(lua_State *L, int t, ml_loader_opts *o)
{
    int n = (int)lua_rawlen(L, t);
    if (n > ML_MOST_AUGMENTS) lml_raise(L, "loader: at most %d augmentations, got %d", ML_MOST_AUGMENTS, n);
    for (; o->n_augment < n; o->n_augment++) {
        ml_augment *step = &o->augment[o->n_augment];
        lua_rawgeti(L, t, o->n_augment + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        if (!ml_augment_parse(luaL_checkstring(L, -2), &step->kind)) lml_error(L);
        step->amount = lml_check_number(L, -1, "loader", ml_augment_name(step->kind));
        lua_pop(L, 3);
    }
}

static int loader_new(lua_State *L) /* new(x, y, { batch =, in_order =, ..., augment = { { name, amount } }, mean =, std = }) */
{
    ml_tensor     *x = lml_check_tensor(L, 1, "loader"), *y = lml_check_tensor(L, 2, "loader");
    ml_loader_opts o    = { .base = 1 };
    int64_t        seed = 1;
    lml_option_integer(L, 3, "loader", "batch", &o.batch);
    lml_option_integer(L, 3, "loader", "seed", &seed);
    lml_option_flag(L, 3, "loader", "in_order", &o.in_order);
    lml_option_flag(L, 3, "loader", "drop_last", &o.drop_last);
    lml_option_flag(L, 3, "loader", "prefetch", &o.prefetch);
    o.seed = (uint64_t)seed;
    lua_getfield(L, 3, "augment");
    if (lua_istable(L, -1)) read_augment(L, lua_gettop(L), &o);
    lua_getfield(L, 3, "mean");
    o.mean = lml_test_tensor(L, -1); /* the table keeps it */
    lua_getfield(L, 3, "std");
    o.std = lml_test_tensor(L, -1);
    void    **slot = lml_new(L, &loader_type);
    lml_work  work = lml_enter(L);
    do *slot = ml_loader_new(x, y, &o);
    while (!*slot && lml_retry(L, &work));
    lml_leave(L, &work, *slot != NULL);
    return 1;
}

static int loader_batches(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)ml_loader_batches(check_loader(L)));
    return 1;
}

static int loader_start(lua_State *L) /* start(loader, epoch, batch): both from 1 */
{
    ml_loader *loader = check_loader(L);
    int64_t    epoch = lml_check_integer(L, 2, "loader", "epoch"), batch = lml_check_integer(L, 3, "loader", "batch");
    lml_work   work  = lml_enter(L);
    bool       ok;
    do ok = ml_loader_start(loader, epoch - 1, batch - 1);
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    return 0;
}

static int loader_next(lua_State *L) /* -> { x =, y =, ids = }, with y_other and share after mixup; nil at the end of the epoch */
{
    static const char *const names[] = { "x", "y", "ids", "y_other" };
    ml_loader *loader = check_loader(L);
    void     **slots[4];
    ml_batch   batch;
    bool       ok;
    lua_createtable(L, 0, 5);
    for (int i = 0; i < 4; i++) {
        slots[i] = lml_new(L, &lml_tensor_type);
        if (i < 3) lua_setfield(L, -2, names[i]);
    }
    lua_insert(L, -2); /* y_other, the table */
    lml_work work = lml_enter(L);
    do ok = ml_loader_next(loader, &batch);
    while (!ok && lml_retry(L, &work));
    if (ok && batch.x) {
        ml_tensor *made[4] = { batch.x, batch.y, batch.ids, batch.y_other };
        for (int i = 0; i < 4; i++) *slots[i] = ml_retain(made[i]);
    }
    lml_leave(L, &work, ok);
    if (!batch.x) return 0;
    if (batch.y_other) {
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, names[3]);
    }
    if (batch.share != 1) {
        lua_pushnumber(L, batch.share);
        lua_setfield(L, -2, "share");
    }
    return 1;
}

static const luaL_Reg functions[] = {
    { "new", loader_new }, { "batches", loader_batches }, { "start", loader_start }, { "next", loader_next }, { NULL, NULL },
};

int lml_open_loader(lua_State *L)
{
    lml_new_type(L, &loader_type);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
