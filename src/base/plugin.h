/* Parts that are needed only sometimes stand in shared objects of their own, moonlab_<name>.so, loaded when first used:
 * the libraries behind them cost a process milliseconds and memory before its first line. */
#ifndef MOONLAB_BASE_PLUGIN_H
#define MOONLAB_BASE_PLUGIN_H

#include <stddef.h>

/* Loads moonlab_<name>.so and returns the address of its symbol `entry`; NULL with the reason in why. The object stays
 * loaded. Callers keep the result: this looks for the file each time. */
void *mli_plugin_entry(const char *name, const char *entry, char *why, size_t why_bytes);

#endif
