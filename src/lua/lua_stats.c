/* What lua/moonlab/stats.lua has in C: loops that go on from value to value. */
#include "kernels/kernels.h"
#include "moonlab/tensor.h"

#include "lua/lua_moonlab.h"

/* x (n), f64 -> (3, n): the average, and the least and the most of what it stands for. NULL with a message. */
static ml_tensor *smooth(const ml_tensor *x, double past)
{
    int64_t    n     = ml_tensor_numel(x);
    size_t     bytes = 2 * (size_t)n * sizeof(double);
    ml_tensor *to    = ml_empty(ML_SHAPE(3, n), ML_F64);
    double    *room  = to ? ml_realloc(NULL, 0, bytes) : NULL, *values = room, *y = room ? ml_tensor_mutable_data(to) : NULL;
    bool       ok    = y && ml_tensor_copy_out(x, ML_F64, values);
    if (ok) {
        mlk_average state = { .past = past };
        mlk_smooth(n, values, y, &state);
        mlk_rolling_range(n, values, mlk_smooth_width(past), y + n, y + 2 * n, room + n);
    }
    if (room) ml_realloc(room, bytes, 0);
    return ok ? to : NULL;
}

static int stats_smooth(lua_State *L) /* smooth(x, past) */
{
    ml_tensor *x    = lml_check_tensor(L, 1, "stats.smooth");
    double     past = luaL_checknumber(L, 2);
    if (ml_tensor_ndim(x) != 1 || ml_tensor_numel(x) == 0 || !(past >= 0 && past < 1)) return lml_raise(L, "stats.smooth: bad arguments");
    lml_work   work = lml_begin(L);
    ml_tensor *made;
    do made = smooth(x, past);
    while (!made && lml_retry(L, &work));
    return lml_finish(L, &work, made);
}

int lml_open_stats(lua_State *L)
{
    static const luaL_Reg functions[] = { { "smooth", stats_smooth }, { NULL, NULL } };
    luaL_newlib(L, functions);
    return 1;
}
