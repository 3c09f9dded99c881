/* Constructors of optimizers: parameters or groups of them, and options, from what each kind says of itself. */
#include <stdio.h>
#include <string.h>

#include "lua/lua_optim.h"

/* What a constructor reads, in memory that Lua owns. */
typedef struct reading {
    const ml_optim_info *info; /* of the whole optimizer */
    ml_param_group      *groups;
    int                  n;
} reading;

/* An option whose number may be a tensor with one for each of a batch; that is set afterwards. */
static bool is_rate(const char *name)
{
    return strcmp(name, "lr") == 0 || strcmp(name, "weight_decay") == 0;
}

static ml_tensor *rate_option(lua_State *L, int t, const char *name)
{
    if (!lua_istable(L, t)) return NULL;
    lua_getfield(L, t, name);
    ml_tensor *each = lml_test_tensor(L, -1);
    lua_pop(L, 1); /* the table keeps it */
    return each;
}

static void option_pair(lua_State *L, int t, const char *where, const char *name, double pair[2])
{
    if (lua_getfield(L, t, name) != LUA_TNIL) {
        if (!lua_istable(L, -1) || lua_rawlen(L, -1) != 2)
            lml_raise(L, "%s: %s must be a list of two numbers, as in { %f, %f }", where, name, pair[0], pair[1]);
        for (int i = 0; i < 2; i++) {
            lua_rawgeti(L, -1, i + 1);
            pair[i] = lml_check_number(L, -1, where, name);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

/* The options of `info` in the table at t, over what is in opts. */
static void read_options(lua_State *L, int t, const ml_optim_info *info, char *opts)
{
    if (!lua_istable(L, t)) return;
    for (const ml_optim_option *o = info->options; o->name; o++) {
        void *at = opts + o->offset;
        switch (o->kind) {
        case ML_OPTION_NUMBER:
            if (!is_rate(o->name) || !rate_option(L, t, o->name)) lml_option_number(L, t, info->name, o->name, at);
            break;
        case ML_OPTION_PAIR: option_pair(L, t, info->name, o->name, at); break;
        case ML_OPTION_INTEGER: lml_option_integer(L, t, info->name, o->name, at); break;
        case ML_OPTION_FLAG: lml_option_flag(L, t, info->name, o->name, at); break;
        }
    }
}

/* Options at t must be those of info, or one of the words of extra. */
static void check_names(lua_State *L, int t, const ml_optim_info *info, const char *const *extra, int n_extra)
{
    const char *known[32];
    int         n = 0;
    for (const ml_optim_option *o = info->options; o->name; o++) known[n++] = o->name;
    for (int i = 0; i < n_extra; i++) known[n++] = extra[i];
    lml_check_options(L, t, info->name, known, n);
}

/* The list of tensors at index t, as an array that Lua owns: left on the stack. */
ml_tensor **lml_check_params(lua_State *L, int t, const char *where, int *n)
{
    if (!lua_istable(L, t))
        lml_raise(L, "%s: the parameters must be a list of tensors, as model:parameters() gives, got %s", where, lml_got(L, t));
    *n = (int)lua_rawlen(L, t);
    ml_tensor **params = lua_newuserdatauv(L, (size_t)*n * sizeof *params + 1, 0);
    for (int i = 0; i < *n; i++) {
        char name[32];
        snprintf(name, sizeof name, "parameter %d", i + 1);
        lua_rawgeti(L, t, i + 1);
        params[i] = lml_check(L, -1, &lml_tensor_type, where, name);
        lua_pop(L, 1); /* the list keeps it */
    }
    return params;
}

static const ml_optim_info *find_kind(lua_State *L, const char *where, const char *name)
{
    const char *known[32];
    int         n = 0;
    for (const ml_optim_info *info; (info = ml_optim_info_at(n)); n++) {
        if (strcmp(info->name, name) == 0) return info;
        known[n] = info->name;
    }
    const char *nearest = ml_nearest_word(name, known, n);
    lml_raise(L, nearest ? "%s: there is no optimizer '%s'; did you mean '%s'?" : "%s: there is no optimizer '%s'", where, name, nearest);
    return NULL;
}

/* The group on top of the stack: { params = {...}, lr =, ... }. What it reads stays on the stack above. */
static void read_group(lua_State *L, const ml_optim_info *whole, const char *shared, ml_param_group *g)
{
    static const char *const extra[] = { "params", "lr_scale", "optimizer" };
    const ml_optim_info *info = whole;
    int t = lua_gettop(L);
    lua_getfield(L, t, "optimizer");
    if (lua_type(L, -1) == LUA_TSTRING) g->kind = (info = find_kind(L, whole->name, lua_tostring(L, -1)))->name;
    else if (!lua_isnil(L, -1)) lml_raise(L, "%s: optimizer must be the name of one, as in \"SGD\", got %s", whole->name, lml_got(L, -1));
    check_names(L, t, info, extra, 3);
    char *opts = lua_newuserdatauv(L, ML_OPTIM_OPTS_BYTES, 0);
    memcpy(opts, info == whole ? shared : info->defaults, info->opts_bytes);
    read_options(L, t, info, opts);
    g->opts = opts;
    if (lml_option_number(L, t, whole->name, "lr_scale", &g->lr_scale) && !(g->lr_scale > 0))
        lml_raise(L, "%s: lr_scale must be above 0, got %f", whole->name, g->lr_scale);
    lua_getfield(L, t, "params");
    g->params = lml_check_params(L, lua_gettop(L), whole->name, &g->n);
}

/* Argument 1: a list of tensors, or of groups. */
static bool are_groups(lua_State *L)
{
    if (!lua_istable(L, 1) || lua_rawlen(L, 1) == 0) return false;
    bool yes = lua_rawgeti(L, 1, 1) == LUA_TTABLE;
    lua_pop(L, 1);
    return yes;
}

static void read_groups(lua_State *L, reading *r, const char *shared)
{
    r->n      = are_groups(L) ? (int)lua_rawlen(L, 1) : 1;
    r->groups = lua_newuserdatauv(L, (size_t)r->n * sizeof *r->groups, 0);
    memset(r->groups, 0, (size_t)r->n * sizeof *r->groups);
    if (!are_groups(L)) {
        r->groups[0].params = lml_check_params(L, 1, r->info->name, &r->groups[0].n);
        return;
    }
    for (int i = 0; i < r->n; i++) {
        luaL_checkstack(L, 8, "groups");
        if (lua_rawgeti(L, 1, i + 1) != LUA_TTABLE)
            lml_raise(L, "%s: group %d must be a table, { params = {...}, lr = ... }, got %s", r->info->name, i + 1, lml_got(L, -1));
        read_group(L, r->info, shared, &r->groups[i]);
    }
}

/* Rates that are tensors, in the table at t, of a group (from 0) or of the whole (-1). */
static bool set_each(lua_State *L, ml_optim *opt, int t, int group)
{
    ml_tensor *lr = rate_option(L, t, "lr"), *decay = rate_option(L, t, "weight_decay");
    return (!lr || ml_optim_set_rate_each(opt, group, ML_LR, lr)) && (!decay || ml_optim_set_rate_each(opt, group, ML_WEIGHT_DECAY, decay));
}

static const char *const of_all[] = { "clip_norm", "clip_value", "schedule" }; /* options that every kind has */

/* Options of the whole, in the table at 2; the optimizer is on top. */
static bool set_of_all(lua_State *L, ml_optim *opt)
{
    int    self = lua_gettop(L);
    double most;
    if (lml_option_number(L, 2, ml_optim_kind(opt), "clip_norm", &most) && !ml_optim_set_clip_norm(opt, most)) return false;
    if (lml_option_number(L, 2, ml_optim_kind(opt), "clip_value", &most) && !ml_optim_set_clip_value(opt, most)) return false;
    if (!lua_istable(L, 2)) return true;
    lua_getfield(L, 2, "schedule");
    if (!lua_isnil(L, -1)) lml_set_schedule(L, self, lua_gettop(L));
    lua_settop(L, self);
    return true;
}

int lml_new_optim(lua_State *L)
{
    reading r = { .info = ml_optim_info_at((int)lua_tointeger(L, lua_upvalueindex(1))) };
    lua_settop(L, 2);
    check_names(L, 2, r.info, of_all, 3);
    char *shared = lua_newuserdatauv(L, ML_OPTIM_OPTS_BYTES, 0);
    memcpy(shared, r.info->defaults, r.info->opts_bytes);
    read_options(L, 2, r.info, shared);
    read_groups(L, &r, shared);
    void    **slot = lml_new_with(L, &lml_optim_type, LML_OPTIM_VALUES);
    int       self = lua_gettop(L);
    ml_optim *opt  = *slot = ml_optim_new(r.info->name, r.groups, r.n, shared);
    bool      ok   = opt && set_each(L, opt, 2, -1);
    for (int i = 0; ok && are_groups(L) && i < r.n; i++) {
        lua_rawgeti(L, 1, i + 1);
        ok = set_each(L, opt, lua_gettop(L), i);
        lua_pop(L, 1);
    }
    lua_settop(L, self);
    return ok && set_of_all(L, opt) ? 1 : lml_error(L);
}

