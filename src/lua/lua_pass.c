/* A pass: what `self` is inside the forward of a module in Lua. It gives the parameters, buffers and layers that this run of the
 * module was given, and layers that it gives are passes too, of runs that have not begun. */
#include "lua/lua_nn.h"

#include <string.h>

#define PASS "moonlab.Pass"

/* The call of forward that a pass belongs to. A checkpoint inside it calls the script again when it is over: then the frame stands for
 * the run as it was kept, until that is done. */
typedef struct frame {
    ml_pass      *is;
    bool          over;
    int           kept;    /* checkpoints that may come back */
    unsigned      turn;    /* counts how often `is` has changed: layers taken from self before are looked up again */
    lua_State    *main;
    struct pass  *handle;  /* the self of it: in the registry while it is over and kept */
    struct frame *around;  /* forwards under way, from the innermost on */
} frame;

static _Thread_local frame *innermost;

typedef struct pass {
    ml_pass     *is;     /* of a layer: it follows in the same block. Of self: the frame has it */
    frame       *of;     /* of self: NULL when it is over and nobody comes back */
    struct pass *root, *parent; /* kept by user value 1; of self: itself, NULL */
    int          child;  /* its position in the parent */
    unsigned     turn;   /* of the frame when it was entered */
} pass;

static ml_pass *run_of(const pass *p) { return p->parent ? p->is : p->of->is; }

/* Enters a layer again whose frame stands for another run by now. */
static bool enter_again(pass *p)
{
    if (!p->parent || p->turn == p->root->of->turn) return true;
    if (!enter_again(p->parent) || !ml_pass_enter(run_of(p->parent), p->child, p->is)) return false;
    p->turn = p->root->of->turn;
    return true;
}

static pass *check_pass(lua_State *L)
{
    pass *p = luaL_checkudata(L, 1, PASS);
    if (!p->root->of || p->root->of->over) lml_raise(L, "self is of a call of forward that is over; keep what it returns, or the module itself");
    if (!enter_again(p)) lml_error(L);
    return p;
}

static ml_module *module_of(const pass *p) { return ml_pass_module(run_of(p)); }

/* Pushes the run of child i of the pass at index 1. */
static void push_child(lua_State *L, pass *p, int i)
{
    size_t head  = (sizeof(pass) + 15) / 16 * 16;
    pass  *child = lua_newuserdatauv(L, head + ml_pass_bytes(), 1);
    *child       = (pass){ (ml_pass *)(void *)((char *)child + head), NULL, p->root, p, i, p->root->of->turn };
    luaL_setmetatable(L, PASS);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    if (!ml_pass_enter(run_of(p), i, child->is)) lml_error(L);
}

static void push_pass_of(lua_State *L, void *of, int i) { push_child(L, of, i); }

static int pass_index(lua_State *L) /* self.name, self[i]; upvalue: the methods */
{
    pass            *p = check_pass(L);
    const ml_module *m = module_of(p);
    int              i, n = ml_module_children(m);
    if (lua_isinteger(L, 2)) {
        lua_Integer at = lua_tointeger(L, 2);
        if (at == 0 || at > n || at < -n) return lml_raise(L, "%s: no layer %lld; it has %d, counted from 1", ml_module_text(m), (long long)at, n);
        return push_child(L, p, (int)(at > 0 ? at - 1 : n + at)), 1;
    }
    if (lua_type(L, 2) != LUA_TSTRING) return lml_raise(L, "%s: takes a position or a name, got %s", ml_module_text(m), lml_got(L, 2));
    switch (ml_pass_find(run_of(p), lua_tostring(L, 2), &i)) {
    case ML_PART_PARAMETER: return lml_push_tensor(L, ml_pass_parameter(run_of(p), i));
    case ML_PART_BUFFER: return lml_push_tensor(L, ml_pass_buffer(run_of(p), i));
    case ML_PART_CHILD: return push_child(L, p, i), 1;
    default: break;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (lml_push_part(L, m)) return lml_part_value(L, p, push_pass_of), 1; /* it may be nil: for `if self.x then` */
    return lml_no_field(L, ml_module_kind(m), lua_tostring(L, 2), lua_upvalueindex(1));
}

static int pass_newindex(lua_State *L) /* self.name = value: a buffer becomes it; else a field of the module */
{
    pass            *p    = check_pass(L);
    const ml_module *m    = module_of(p);
    const char      *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int              i;
    ml_part          what = ml_pass_find(run_of(p), name, &i);
    if (what == ML_PART_BUFFER) {
        ml_tensor *value = lml_check(L, 3, &lml_tensor_type, ml_module_kind(m), name);
        lml_work   work  = lml_enter(L);
        bool       ok;
        do ok = ml_pass_set_buffer(run_of(p), i, value);
        while (!ok && lml_retry(L, &work));
        lml_leave(L, &work, ok);
        return 0;
    }
    if (what != ML_PART_NONE)
        return lml_raise(L, "%s: %s is a %s; it does not change while the module runs", ml_module_text(m), name,
                         what == ML_PART_CHILD ? "layer" : "parameter");
    if (!lml_push_part(L, m)) return lml_raise(L, "%s: no field '%s' can be set", ml_module_text(m), name);
    lua_getfield(L, -1, "fields");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

static int pass_call(lua_State *L) /* self.layer(x) */
{
    pass *p = check_pass(L);
    if (p == p->root) return lml_raise(L, "%s: it is running already; call its layers", ml_module_text(module_of(p)));
    ml_tensor *x    = lml_check(L, 2, &lml_tensor_type, ml_module_kind(module_of(p)), "its input"), *y;
    lml_work   work = lml_begin(L);
    do y = ml_pass_run(run_of(p), x);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

static int pass_len(lua_State *L)
{
    lua_pushinteger(L, ml_module_children(module_of(check_pass(L))));
    return 1;
}

static int pass_training(lua_State *L)
{
    lua_pushboolean(L, ml_pass_training(run_of(check_pass(L))));
    return 1;
}

static int pass_kind(lua_State *L)
{
    lua_pushstring(L, ml_module_kind(module_of(check_pass(L))));
    return 1;
}

static int pass_describe(lua_State *L)
{
    lua_pushstring(L, ml_module_text(module_of(check_pass(L))));
    return 1;
}

static int pass_point(lua_State *L) /* self:point("pattern", y) -> y, or what a hook puts there */
{
    pass       *p    = check_pass(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    if (!name) return lml_raise(L, "point: a value inside a module has a name, got %s", lml_got(L, 2));
    ml_tensor *value = lml_check(L, 3, &lml_tensor_type, "point", name), *y;
    lml_work   work  = lml_begin(L);
    do y = ml_pass_point(run_of(p), name, value);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

/* --- beginning and ending -------------------------------------------------------------------------------------------------- */
static void forget(frame *f)
{
    f->handle->of = NULL;
    ml_block_give(f, sizeof *f);
}

static int pass_close(lua_State *L) /* forward has returned, or raised */
{
    pass  *p  = lua_touserdata(L, 1);
    frame *f  = p->of;
    if (!f) return 0;
    innermost = f->around;
    f->over   = true;
    if (f->kept == 0) return forget(f), 0;
    lua_pushvalue(L, 1); /* until the last checkpoint is gone */
    lua_rawsetp(L, LUA_REGISTRYINDEX, f);
    return 0;
}

void lml_push_pass(lua_State *L, ml_pass *is)
{
    pass *self = lua_newuserdatauv(L, sizeof *self, 1);
    *self      = (pass){ .root = self };
    luaL_setmetatable(L, PASS);
    lua_toclose(L, -1); /* what may raise comes before the frame */
    frame *f = ml_block_take(sizeof *f);
    if (!f) lml_error(L);
    *f        = (frame){ .is = is, .main = lml_main(L), .handle = self, .around = innermost };
    self->of  = f;
    innermost = f;
}

/* --- checkpoints inside forward ------------------------------------------------------------------------------------------------- */
typedef struct kept_frame {
    frame   *of;
    ml_pass *run, *was; /* what it stands for meanwhile, and before */
    bool     over;
} kept_frame;

struct lml_kept_passes {
    int        n;
    kept_frame at[];
};

static size_t bytes_of(int n) { return sizeof(lml_kept_passes) + (size_t)n * sizeof(kept_frame); }

bool lml_keep_passes(lml_kept_passes **kept)
{
    int n = 0;
    *kept = NULL;
    for (const frame *f = innermost; f; f = f->around) n++;
    if (n == 0) return true;
    lml_kept_passes *k = ml_realloc(NULL, 0, bytes_of(n));
    if (!k) return false;
    k->n = 0;
    for (frame *f = innermost; f; f = f->around) {
        ml_pass *run = ml_pass_keep(f->is);
        if (!run) {
            k = ml_realloc(k, bytes_of(n), bytes_of(k->n)); /* no larger: it does not fail */
            lml_drop_passes(k);
            return false;
        }
        f->kept++;
        k->at[k->n++] = (kept_frame){ f, run, NULL, false };
    }
    *kept = k;
    return true;
}

void lml_resume_passes(lml_kept_passes *kept)
{
    for (int i = 0; kept && i < kept->n; i++) {
        kept_frame *k = &kept->at[i];
        ml_pass_rewind(k->run);
        k->was      = k->of->is;
        k->over     = k->of->over;
        k->of->is   = k->run;
        k->of->over = false;
        k->of->turn++;
    }
}

void lml_suspend_passes(lml_kept_passes *kept)
{
    for (int i = 0; kept && i < kept->n; i++) {
        kept_frame *k = &kept->at[i];
        k->of->is     = k->was;
        k->of->over   = k->over;
        k->of->turn++;
    }
}

void lml_drop_passes(lml_kept_passes *kept)
{
    if (!kept) return;
    for (int i = 0; i < kept->n; i++) {
        frame *f = kept->at[i].of;
        ml_pass_drop(kept->at[i].run);
        if (--f->kept > 0 || !f->over) continue;
        lua_State *L = f->main;
        const void *key = f;
        forget(f);
        lua_pushnil(L); /* takes no memory: the place is there */
        lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    }
    ml_realloc(kept, bytes_of(kept->n), 0);
}

static const luaL_Reg pass_methods[] = {
    { "training", pass_training }, { "point", pass_point }, { "kind", pass_kind }, { "describe", pass_describe }, { NULL, NULL },
};
static const luaL_Reg pass_metamethods[] = {
    { "__newindex", pass_newindex }, { "__call", pass_call }, { "__len", pass_len }, { "__close", pass_close },
    { "__tostring", pass_describe }, { NULL, NULL },
};

void lml_open_pass(lua_State *L)
{
    luaL_newmetatable(L, PASS);
    luaL_setfuncs(L, pass_metamethods, 0);
    luaL_newlib(L, pass_methods);
    lua_pushcclosure(L, pass_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
