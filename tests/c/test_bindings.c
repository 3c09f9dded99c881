/* bindings: every allocation gets its turn to fail, the core's and Lua's own. A refused one is a Lua error, nothing is
 * lost on the way out, and the next call works. */
#include "support.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "lua/lua_moonlab.h"

/* Something of every part: operations with options, numbers for tensors, indexing both ways, lists in and out,
 * layers, gradients, optimizers, data, printing, and errors on purpose. */
static const char *const script =
    "local ml = require 'moonlab'\n"
    "local nn = ml.nn\n"
    "return function()\n"
    "  local x = ml.tensor { { 1.5, 2 }, { 3, 4 } }\n"
    "  local y = (x * 2 - 1):matmul(x:transpose()):sum({ 1 }, { keepdim = true })\n"
    "  x[{ {}, 1 }] = ml.ones { 2 }\n"
    "  local cut = ml.cat({ x[1], x[{ 2, {} }], ml.randperm(2):cast 'f32' }, 1)\n"
    "  assert(#cut:tolist() == 6 and #tostring(cut) > 6)\n"
    "  local model = nn.Sequential { nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 5, { weight_init = 'he_normal' }) }\n"
    "  local data = ml.data.modular { p = 5, train_fraction = 0.5 }\n"
    "  local opt = ml.optim.AdamW(model:parameters(), { betas = { 0.9, 0.98 } })\n"
    "  opt:minimize(nn.cross_entropy(model(data.train.x), data.train.y))\n"
    "  assert(#tostring(model) > 0 and ml.accuracy(model, data.test) >= 0)\n"
    "  local w = ml.ones({ 3 }, { requires_grad = true })\n"
    "  local first, second = ml.autograd.grad((w ^ 3):sum(), w, { create_graph = true }), nil\n"
    "  second = ml.autograd.grad(first:sum(), { w })[1]\n"
    "  assert(second:sum():item() == 18)\n"
    "  local Own = nn.module 'Own'\n"
    "  function Own:init() self.a = { nn.Linear(2, 3) }; self:parameter('s', ml.ones { 1 }); self:buffer('n', ml.zeros {}) end\n"
    "  function Own:forward(t) self.n = self.n + 1; return self:point('mid', ml.checkpoint(self.a[1], t)) * self.s end\n"
    "  local own = nn.Sequential { Own(), nn.Residual(nn.lambda(function(t) return t:tanh() end)) }\n"
    "  local seen = 0\n"
    "  do\n"
    "    local hooked <close> = own:with_hooks { ['1.mid'] = function(t) seen = seen + 1; return t * 2 end }\n"
    "    local _, cache = own:clone():run_with_cache(ml.ones { 2, 2 }, '*.mid')\n"
    "    assert(cache['1.mid'] and seen == 0 and #own(x).shape == 2 and seen > 0)\n"
    "  end\n"
    "  assert(not pcall(nn.lambda(function() error 'memory' end), x))\n"
    "  own(x):sum():backward()\n"
    "  ml.fft.power(x)\n"
    "  local good, message = pcall(function() return x + ml.ones { 5 } end)\n"
    "  assert(not good and (message:find 'shapes do not broadcast' or message:find 'memory'), message)\n"
    "end\n";

/* --- an allocator that refuses what it is told to ------------------------------------------------------------------- */
static long n_calls, refuse_at; /* Lua collects and asks once more: so two in a row are refused */

static void *allocate(void *ctx, void *block, size_t old_bytes, size_t bytes)
{
    (void)ctx, (void)old_bytes;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    bool grows = !block || bytes > old_bytes;
    if (grows && refuse_at && (++n_calls == refuse_at || n_calls == refuse_at + 1)) return NULL;
    return realloc(block, bytes);
}

static lua_State *open_state(void)
{
    lua_State *L = lua_newstate(allocate, NULL);
    cr_assert(L);
    luaL_openlibs(L);
    luaL_requiref(L, "moonlab", luaopen_moonlab, 0);
    cr_assert(luaL_dostring(L, script) == LUA_OK, "%s", lua_tostring(L, -1)); /* leaves the function */
    lua_pushvalue(L, -1);
    cr_assert(lua_pcall(L, 0, 0, 0) == LUA_OK, "%s", lua_tostring(L, -1));    /* what is made once is made now */
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    return L;
}

/* Calls the script's function; whatever it raised is about memory. Returns whether it went well. */
static bool call(lua_State *L)
{
    lua_pushvalue(L, -1);
    bool good = lua_pcall(L, 0, 0, 0) == LUA_OK;
    if (!good) {
        const char *message = lua_tostring(L, -1);
        cr_expect(message && strstr(message, "memory"), "an error about something else: %s", message);
        lua_pop(L, 1);
    }
    return good;
}

static size_t settled(lua_State *L) /* bytes that the core holds when all garbage is gone */
{
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    return ml_memory().live;
}

/* Is a refusal still to come, after a call for which the n-th allocation was to be refused? Takes it. */
static bool still_armed(int n)
{
    for (int i = 0; i < n; i++) {
        void *block = ml_block_take(1);
        if (!block) {
            ml_error_clear();
            return true;
        }
        ml_block_give(block, 1);
    }
    return false;
}

Test(bindings, survive_each_refusal_of_the_core)
{
    lua_State *L      = open_state();
    size_t     before = settled(L);
    bool       done   = false;
    for (int n = 1; !done; n++) {
        ml_memory_fail_after(n);
        call(L); /* may go well: out of memory is tried once more after a collection */
        done = still_armed(n);
        ml_memory_fail_after(0);
        cr_assert_eq(settled(L), before, "allocation %d of the core was refused, and %td bytes are lost", n,
                     (ptrdiff_t)(ml_memory().live - before));
        cr_assert(!ml_failed(), "allocation %d: a message is left: %s", n, ml_error_message());
        cr_assert(n < 100000);
    }
    cr_expect(call(L));
    lua_close(L);
}

Test(bindings, survive_each_refusal_of_lua)
{
    lua_State *L      = open_state();
    size_t     before = settled(L);
    for (long n = 1;; n++) {
        n_calls   = 0;
        refuse_at = n;
        call(L);
        bool reached = n_calls >= n;
        refuse_at    = 0;
        cr_assert_eq(settled(L), before, "allocation %ld of Lua was refused, and %td bytes are lost", n,
                     (ptrdiff_t)(ml_memory().live - before));
        if (!reached) break; /* the function needs fewer: each has had its turn */
        cr_assert(n < 100000);
    }
    cr_expect(call(L));
    lua_close(L);
}

Test(bindings, give_back_all_when_the_state_closes)
{
    lua_State *L = open_state();
    call(L);
    lua_close(L);
    size_t after = ml_memory().live;
    L = open_state();
    call(L);
    lua_close(L);
    cr_expect_eq(ml_memory().live, after);
}
