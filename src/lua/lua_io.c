/* Files of numbers: archives to and from Lua tables. lua/moonlab/files.lua gives them the shape that scripts see. */
#include "moonlab/io.h"

#include <stdio.h>
#include <string.h>

#include "lua/lua_moonlab.h"

#define CHECKSUM "moonlab.checksum"

static void free_archive(void *a)
{
    ml_archive_free(a);
}
static const lml_type archive_type = { "moonlab.archive", free_archive }; /* holds one while Lua allocates */

/* --- reading ------------------------------------------------------------------------------------------------------ */
static ml_load_opts load_options(lua_State *L, int t)
{
    static const char *const known[] = { "format", "delimiter", "header", "limit" };
    ml_load_opts o     = { .base = 1 };
    const char  *word  = NULL;
    int64_t      limit = 0;
    bool         header;
    lml_check_options(L, t, "load", known, 4);
    if (lml_option_text(L, t, "load", "format", &word) && !ml_format_parse(word, &o.format)) lml_error(L);
    if (lml_option_text(L, t, "load", "delimiter", &word)) {
        if (strlen(word) != 1) lml_raise(L, "load: the delimiter must be one character, got '%s'", word);
        o.delimiter = word[0];
    }
    if (lml_option_flag(L, t, "load", "header", &header)) o.header = header ? ML_HEADER_YES : ML_HEADER_NO;
    if (lml_option_integer(L, t, "load", "limit", &limit) && limit < 1) lml_raise(L, "load: limit must be at least 1 byte, got %lld", (long long)limit);
    o.limit = (size_t)limit;
    return o;
}

/* names, tensors, whether the checksum note is that of the content (nil: there is none), notes { { name, text }, ... } */
static int push_archive(lua_State *L, const ml_archive *a)
{
    char checksum[16];
    int  n = ml_archive_count(a), n_notes = ml_archive_n_notes(a);
    lua_createtable(L, n, 0);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushstring(L, ml_archive_name(a, i));
        lua_rawseti(L, -3, i + 1);
        lml_push_tensor(L, ml_archive_tensor(a, i));
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushnil(L);
    lua_createtable(L, n_notes, 0);
    for (int i = 0; i < n_notes; i++) {
        const char *name = ml_archive_note_name(a, i);
        lua_createtable(L, 2, 0);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, ml_archive_note_text(a, i));
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, i + 1);
        if (strcmp(name, CHECKSUM) != 0) continue;
        if (!ml_archive_checksum(a, CHECKSUM, checksum)) return lml_error(L);
        lua_pushboolean(L, strcmp(ml_archive_note_text(a, i), checksum) == 0);
        lua_replace(L, -3);
    }
    return 4;
}

static int loaded(lua_State *L, void **slot, lml_work *work, ml_archive *a)
{
    *slot = a;
    lml_leave(L, work, a != NULL);
    push_archive(L, a);
    free_archive(*slot);
    *slot = NULL;
    return 4;
}

static int io_load(lua_State *L) /* load(path, options) */
{
    const char  *path = luaL_checkstring(L, 1);
    ml_load_opts o    = load_options(L, 2);
    void       **slot = lml_new(L, &archive_type);
    lml_work     work = lml_enter(L);
    ml_archive  *a;
    do a = ml_load(path, &o);
    while (!a && lml_retry(L, &work));
    return loaded(L, slot, &work, a);
}

static int io_decode(lua_State *L) /* decode(bytes, options) */
{
    size_t       n;
    const char  *bytes = luaL_checklstring(L, 1, &n);
    ml_load_opts o     = load_options(L, 2);
    void       **slot  = lml_new(L, &archive_type);
    lml_work     work  = lml_enter(L);
    ml_archive  *a;
    do a = ml_load_bytes(bytes, n, "bytes", &o);
    while (!a && lml_retry(L, &work));
    return loaded(L, slot, &work, a);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */
/* The archive of (names, tensors, notes, with checksum?) at index t and behind, in a userdata that is pushed. */
static void **check_archive(lua_State *L, int t)
{
    void      **slot = lml_new(L, &archive_type);
    ml_archive *a    = ml_archive_new();
    *slot            = a;
    bool ok          = a != NULL;
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, t); ok && i <= n; i++) {
        lua_rawgeti(L, t, i);
        lua_rawgeti(L, t + 1, i);
        size_t      bytes;
        const char *name = luaL_checklstring(L, -2, &bytes);
        if (strlen(name) != bytes) lml_raise(L, "save: a name with a zero in it");
        ok = ml_archive_add(a, name, lml_check_tensor(L, -1, "save"));
        lua_pop(L, 2);
    }
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, t + 2); ok && i <= n; i++) {
        lua_rawgeti(L, t + 2, i);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        size_t      bytes[2];
        const char *name = luaL_checklstring(L, -2, &bytes[0]), *text = luaL_checklstring(L, -1, &bytes[1]);
        if (strlen(name) != bytes[0] || strlen(text) != bytes[1]) lml_raise(L, "save: metadata with a zero in it");
        ok = ml_archive_note(a, name, text);
        lua_pop(L, 3);
    }
    char checksum[16];
    if (ok && lua_toboolean(L, t + 3)) ok = ml_archive_checksum(a, CHECKSUM, checksum) && ml_archive_note(a, CHECKSUM, checksum);
    if (!ok) lml_error(L);
    return slot;
}

static int io_save(lua_State *L) /* save(path, format or nil, names, tensors, notes, with checksum?) */
{
    const char *path   = luaL_checkstring(L, 1), *word = luaL_optstring(L, 2, NULL);
    ml_format   format = ML_FORMAT_GUESS;
    if (word && !ml_format_parse(word, &format)) return lml_error(L);
    lua_settop(L, 6);
    void   **slot = check_archive(L, 3);
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_save(path, *slot, word ? &format : NULL);
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    return 0;
}

typedef struct memory {
    void  *bytes;
    size_t n;
} memory;

static void free_memory(void *held)
{
    memory *m = held;
    if (m->bytes) ml_realloc(m->bytes, m->n, 0);
    ml_realloc(m, sizeof *m, 0);
}
static const lml_type memory_type = { "moonlab.bytes", free_memory };

static int io_encode(lua_State *L) /* encode(format, names, tensors, notes) -> text */
{
    ml_format format;
    if (!ml_format_parse(luaL_checkstring(L, 1), &format)) return lml_error(L);
    lua_settop(L, 5);
    void  **slot = check_archive(L, 2), **held = lml_new(L, &memory_type);
    memory *m    = *held = ml_realloc(NULL, 0, sizeof *m);
    if (!m) return lml_error(L);
    m->bytes = NULL;
    lml_work work = lml_enter(L);
    do m->bytes = ml_save_bytes(*slot, format, &m->n);
    while (!m->bytes && lml_retry(L, &work));
    lml_leave(L, &work, m->bytes != NULL);
    lua_pushlstring(L, m->bytes, m->n);
    free_memory(*held);
    *held = NULL;
    return 1;
}

static int io_md5(lua_State *L)
{
    char digits[33];
    if (!ml_file_md5(luaL_checkstring(L, 1), digits)) return lml_error(L);
    lua_pushstring(L, digits);
    return 1;
}

/* --- the default random numbers, which a checkpoint takes along: random_state() -> seed, stream; random_state(seed, stream) --- */
static int io_random_state(lua_State *L)
{
    if (!lua_isnoneornil(L, 1)) {
        ml_key_reset(ml_key_of((uint64_t)luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2)));
        return 0;
    }
    ml_key key = ml_key_next();
    ml_key_reset(key); /* looked at, not taken */
    lua_pushinteger(L, (lua_Integer)key.seed);
    lua_pushinteger(L, (lua_Integer)key.stream);
    return 2;
}

static const luaL_Reg functions[] = {
    { "load", io_load }, { "decode", io_decode }, { "save", io_save }, { "encode", io_encode }, { "md5", io_md5 },
    { "random_state", io_random_state }, { NULL, NULL },
};

int lml_open_io(lua_State *L)
{
    lml_new_type(L, &archive_type);
    lua_pop(L, 1);
    lml_new_type(L, &memory_type);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
