/* Making layers over symmetries: LiftConv2d(in, out, kernel, { group = "p4", ... }). */
#include "lua/lua_nn.h"

#include <string.h>

typedef ml_module *(*maker)(ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts);

static ml_symmetry check_group(lua_State *L, int t, const char *where)
{
    const char *name = "p4";
    lml_option_text(L, t, where, "group", &name);
    if (strcmp(name, "p4") == 0) return ML_SYMMETRY_P4;
    if (strcmp(name, "p4m") != 0) lml_raise(L, "%s: group must be \"p4\" or \"p4m\", got \"%s\"", where, name);
    return ML_SYMMETRY_P4M;
}

static int new_conv(lua_State *L, const char *where, maker make)
{
    static const char *const known[] = { "group", "stride", "padding", "dilation", "bias", "padding_mode", "weight_init", "bias_init", "dtype" };
    lml_conv_arguments c;
    lml_check_conv(L, 0, where, known, (int)(sizeof known / sizeof *known), &c);
    if (lua_istable(L, 3)) lml_raise(L, "%s: the kernel is square: one number", where);
    ml_symmetry group = check_group(L, 4, where);
    void      **slot  = lml_new(L, &lml_module_type);
    lml_work    work  = lml_enter(L);
    return lml_finish_module(L, slot, &work, make(group, c.in, c.out, c.kernel[0], &c.opts));
}

static int new_lift_conv2d(lua_State *L) { return new_conv(L, "LiftConv2d", ml_nn_lift_conv2d); }
static int new_group_conv2d(lua_State *L) { return new_conv(L, "GroupConv2d", ml_nn_group_conv2d); }

static int new_group_pool(lua_State *L) /* GroupPool(), GroupPool "mean" */
{
    const char *kind = lua_isnoneornil(L, 1) ? "max" : lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    bool        mean = strcmp(kind, "mean") == 0;
    if (!mean && strcmp(kind, "max") != 0) lml_raise(L, "GroupPool: takes \"max\" or \"mean\", got %s", *kind ? kind : lml_got(L, 1));
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_group_pool(mean));
}

const luaL_Reg lml_equivariant_layers[] = {
    { "LiftConv2d", new_lift_conv2d }, { "GroupConv2d", new_group_conv2d }, { "GroupPool", new_group_pool }, { NULL, NULL },
};
