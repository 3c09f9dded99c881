/* Calling the core from Lua, and telling Lua's collector the truth about memory.
 *
 * Lua counts 40 bytes for a userdata where the core may hold 40 MB behind it, and a loss of 4 bytes may keep a whole
 * graph alive. So the collector is driven by the core's own account: when the bytes in use have grown by some amount
 * since they were last at their lowest, a full collection runs. The amount depends on Lua's heap alone, as the cost
 * of a collection does: not on the size of tensors, nor on how much of them the script keeps. */
#include "lua/lua_moonlab.h"

#include <string.h>

#include "moonlab/autograd.h"

#define LEAST_GROWTH  ((size_t)512 << 10) /* small: memory that is used again soon is still in the cache */
#define HEAP_MULTIPLE 16                 /* walking the script's heap is a small part of the time to fill so much */
#define OWN_HEAP      ((size_t)64 << 10) /* of moonlab and the standard libraries, walked in 10 us */
#define USERDATA      40                 /* what Lua counts for one of ours */

static size_t growth  = LEAST_GROWTH; /* one process, one account: shared by all states */
static size_t ceiling = LEAST_GROWTH;

/* Lua's own pace does not do, even for small tensors: a dead userdata with a finalizer lives through one more cycle and
 * counts as alive for the length of the next, so each cycle would be longer than the last. Nor may they count here. */
void lml_collect(lua_State *L)
{
    size_t live = ml_memory().live;
    if (live <= ceiling) {
        if (ceiling - live > growth) ceiling = live + growth;
        return;
    }
    if (!lua_gc(L, LUA_GCISRUNNING)) return; /* the script stopped it: its own affair */
    size_t released = lml_released();
    lua_gc(L, LUA_GCCOLLECT);
    size_t dying  = (lml_released() - released) * USERDATA, heap = (size_t)lua_gc(L, LUA_GCCOUNT) << 10;
    size_t script = heap > dying + OWN_HEAP ? heap - dying - OWN_HEAP : 0;
    growth        = LEAST_GROWTH + script * HEAP_MULTIPLE;
    ceiling       = ml_memory().live + growth;
}

/* --- where the script is, for the messages of anomaly detection --------------------------------------------- */
static _Thread_local lua_State *running; /* between entering the core and leaving it */

static const char *site_of_running(void *ctx)
{
    (void)ctx;
    return running ? lml_site(running) : NULL;
}

lua_State *lml_running(void) { return running; }
void       lml_set_running(lua_State *L) { running = L; }

void lml_watch_sites(void)
{
    ml_set_site_hook(site_of_running, NULL);
}

/* --- one call ----------------------------------------------------------------------------------------------- */
/* The collector runs before a call, never after it: then a variable that is about to be assigned still holds its old tensor. */
static lml_work open_work(lua_State *L, void **slot)
{
    running = L;
    return (lml_work){ slot, ml_scope_begin(), false };
}

lml_work lml_enter(lua_State *L)
{
    lml_collect(L);
    return open_work(L, NULL);
}

lml_work lml_begin(lua_State *L)
{
    lml_collect(L);
    return open_work(L, lml_new(L, &lml_tensor_type)); /* may raise, and run finalizers: before the scope */
}

bool lml_retry(lua_State *L, lml_work *work)
{
    if (work->retried || !strstr(ml_error_message(), "out of memory")) return false;
    work->retried = true;
    ml_scope_end(&work->scope);
    ml_error_clear();
    lua_gc(L, LUA_GCCOLLECT); /* does not raise: errors of finalizers are warnings */
    work->scope = ml_scope_begin();
    running     = L;
    return true;
}

void lml_leave(lua_State *L, lml_work *work, bool ok)
{
    running = NULL;
    ml_scope_end(&work->scope);
    if (!ok) lml_error(L);
}

int lml_finish(lua_State *L, lml_work *work, ml_tensor *result)
{
    *work->slot = ml_retain(result);
    lml_leave(L, work, result != NULL);
    return 1;
}
