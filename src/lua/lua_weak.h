/* The functions of Lua's interface that 5.1 lacks are weak references here. So moonlab.so can be loaded by an older
 * Lua, and luaopen_moonlab can say what is wrong, where the loader would only name an undefined symbol. */
#ifndef MOONLAB_LUA_WEAK_H
#define MOONLAB_LUA_WEAK_H

#pragma weak luaL_buffinitsize
#pragma weak luaL_checkversion_
#pragma weak luaL_getsubtable
#pragma weak luaL_len
#pragma weak luaL_loadbufferx
#pragma weak luaL_loadfilex
#pragma weak luaL_prepbuffsize
#pragma weak luaL_pushresultsize
#pragma weak luaL_requiref
#pragma weak luaL_setfuncs
#pragma weak luaL_setmetatable
#pragma weak luaL_testudata
#pragma weak luaL_tolstring
#pragma weak luaL_traceback
#pragma weak lua_absindex
#pragma weak lua_callk
#pragma weak lua_compare
#pragma weak lua_copy
#pragma weak lua_getglobal
#pragma weak lua_geti
#pragma weak lua_getiuservalue
#pragma weak lua_isinteger
#pragma weak lua_len
#pragma weak lua_newuserdatauv
#pragma weak lua_pcallk
#pragma weak lua_rawgetp
#pragma weak lua_rawlen
#pragma weak lua_rawsetp
#pragma weak lua_rotate
#pragma weak lua_setglobal
#pragma weak lua_seti
#pragma weak lua_setiuservalue
#pragma weak lua_toclose
#pragma weak lua_tointegerx
#pragma weak lua_tonumberx

#endif
